import Glibc
import Tensors

/// Choices among A actions by their values [rows, A]: with probability ε any, all equally likely, and else the best, the first of equals.
struct EpsilonGreedy {
    let values: Tensor

    /// Draws one action per row and gives log μ = log((1 − ε) [a is the best] + ε / A).
    ///
    /// - Parameters:
    ///   - uniforms: rows numbers in [0, 1): below ε they choose the random action as well.
    ///   - epsilons: ε of each row; none: 0.
    func sample(
        uniforms: UnsafeBufferPointer<Float>, epsilons: [Float], actions: UnsafeMutableBufferPointer<Int32>,
        logProbs: UnsafeMutableBufferPointer<Float>
    ) {
        let (rows, count) = (values.shape[0], values.shape[1])
        precondition(epsilons.isEmpty || epsilons.count == rows, "\(epsilons.count) ε for \(rows) rows")
        for (row, best) in argmax(values).enumerated() {
            let epsilon = epsilons.isEmpty ? 0 : epsilons[row]
            let isRandom = uniforms[row] < epsilon
            let action = isRandom ? min(Int32(uniforms[row] / epsilon * Float(count)), Int32(count - 1)) : best
            actions[row] = action
            logProbs[row] = Glibc.log((action == best ? 1 - epsilon : 0) + epsilon / Float(count))
        }
    }

    /// [rows]: log π of the greedy policy, ε = 0: 0 for the best action, −∞ for every other. A constant.
    func logProb(of actions: [Int32]) -> Tensor {
        Tensor(zip(argmax(values), actions).map { $0 == $1 ? 0 : -.infinity }, [actions.count])
    }
}
