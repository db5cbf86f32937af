import Networks
import TestSupport
import Tensors
import Testing

@Suite struct MultiCategoricalTests {
    private let counts = [2, 4, 3]
    private let distribution: ActionDistribution

    init() throws { distribution = try ActionDistribution(.multiDiscrete(counts), .gaussian) }

    private func output(_ rows: Int, _ row: [Float]? = nil) -> PolicyOutput {
        var dice = Dice(7)
        let logits = (0..<rows).flatMap { _ in row ?? (0..<9).map { _ in Float.random(in: -2...2, using: &dice) } }
        return PolicyOutput(policy: Tensor(logits, [rows, 9]), value: Tensor(zeros: [rows]))
    }

    /// Log-probabilities, entropies and modes are those of the choices, each on its own.
    @Test func isTheSumOfItsChoices() {
        let output = output(5)
        var dice = Dice(9)
        let actions = (0..<15).map { Int32(dice.below(counts[$0 % 3])) }
        var (logProb, entropy, modes) = (Tensor(zeros: [5]), Tensor(zeros: [5]), [[Int32]]())
        for (k, columns) in [0..<2, 2..<6, 6..<9].enumerated() {
            let part = Categorical(logits: output.policy.columns(columns))
            logProb = logProb + part.logProb(of: (0..<5).map { actions[$0 * 3 + k] })
            entropy = entropy + part.entropy
            modes.append(part.mode())
        }
        expectClose(distribution.logProb(of: .choices(actions), output).values, logProb.values, within: 1e-6, "log-probability")
        expectClose(distribution.entropy(output, at: .choices(actions)).values, entropy.values, within: 1e-6, "entropy")
        var mode = [Int32](repeating: -1, count: 15)
        mode.withUnsafeMutableBytes { distribution.mode(output, actions: $0) }
        #expect(mode == (0..<5).flatMap { row in modes.map { $0[row] } })
    }

    /// Every combination is drawn as often as the product of its choices' probabilities says.
    @Test func drawsAreIndependent() {
        let rows = 60_000
        let row: [Float] = [0.5, -0.5, 1, 0, -1, 0.3, 0.2, -0.2, -.infinity]
        let output = output(rows, row)
        var uniforms = [Float](repeating: 0, count: rows * 3)
        uniforms.withUnsafeMutableBufferPointer { RandomKey(seed: 3, purpose: .action).uniforms(step: 1, into: $0) }
        var (actions, logProbs) = ([Int32](repeating: -1, count: rows * 3), [Float](repeating: 1, count: rows))
        actions.withUnsafeMutableBytes { actions in
            logProbs.withUnsafeMutableBufferPointer { logProbs in
                uniforms.withUnsafeBufferPointer { distribution.sample(output, uniforms: $0, actions: actions, logProbs: logProbs) }
            }
        }
        expectClose(distribution.logProb(of: .choices(actions), output).values, logProbs, within: 1e-6, "log-probability")
        let parts = [0..<2, 2..<6, 6..<9].map { exp(logSoftmax(Tensor(Array(row[$0]), [$0.count]))).values.map(Double.init) }
        var seen = [[Int32]: Int]()
        for index in 0..<rows { seen[Array(actions[index * 3..<index * 3 + 3]), default: 0] += 1 }
        for a in 0..<2 {
            for b in 0..<4 {
                for c in 0..<3 {
                    let p = parts[0][a] * parts[1][b] * parts[2][c]
                    let share = Double(seen[[Int32(a), Int32(b), Int32(c)]] ?? 0) / Double(rows)
                    #expect(abs(share - p) <= 4.5 * (p * (1 - p) / Double(rows)).squareRoot(), "\(a), \(b), \(c)")
                }
            }
        }
    }
}
