import Networks
import Tensors

/// α of soft actor–critic: what a nat of entropy is worth, learned by Adam on log α so that the policy's entropy comes to its target.
struct Temperature {
    private let initial: Float
    private let targetEntropy: Float
    /// nil: α stays as it is.
    private let descent: Descent?

    init(_ alpha: Float, targetEntropy: Float, isLearned: Bool) {
        initial = alpha
        self.targetEntropy = targetEntropy
        guard isLearned else {
            descent = nil
            return
        }
        var layout = ParameterLayout()
        _ = layout.add("log_alpha", [])
        let weights = Weights(layout)
        // An α of 0 could never grow.
        weights.flat.withMutableBuffer { $0[0] = logarithm(max(alpha, 1e-8)) }
        descent = Descent(weights, OptimizerSettings(.adam))
    }

    var alpha: Float { descent.map { exp($0.weights.flat).scalar } ?? initial }

    /// One step on −α (log π + H) with respect to log α, from the mean of −log π.
    ///
    /// - Parameter entropy: finite.
    func step(entropy: Float, learningRate: Float) {
        guard let descent else { return }
        let loss = alpha * (entropy - targetEntropy)
        descent.weights.gradient.withMutableBuffer { $0[0] = loss }
        do { _ = try descent.step(learningRate: learningRate, loss: loss) } catch {
            preconditionFailure("an entropy of \(entropy) nats at a temperature of \(alpha)")
        }
    }

    var state: [Column] {
        guard let descent else { return [] }
        return [Column("log_alpha", descent.weights.flat)] + descent.state
    }

    func restore(_ state: [Column]) throws {
        guard let descent else { return }
        try LearnerState(state).load("log_alpha", into: descent.weights.flat)
        try descent.restore(state)
    }
}

private func logarithm(_ x: Float) -> Float { Tensors.log(Tensor(x)).scalar }
