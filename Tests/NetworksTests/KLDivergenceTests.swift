import Networks
import TestSupport
import Tensors
import Testing

@Suite struct KLDivergenceTests {
    private func random(_ shape: [Int], _ range: ClosedRange<Float>, _ dice: inout Dice) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in Float.random(in: range, using: &dice) }, shape)
    }
    private func output(_ policy: Tensor, _ logDeviation: Tensor? = nil) -> PolicyOutput {
        PolicyOutput(policy: policy, logDeviation: logDeviation, value: Tensor(zeros: [policy.shape[0]]))
    }

    /// log-probabilities of a row of logits in double precision.
    private func logProbabilities(_ logits: some Sequence<Float>) -> [Double] {
        let logits = logits.map(Double.init)
        let top = logits.max()!
        let total = DoubleMath.log(logits.reduce(0) { $0 + DoubleMath.exp($1 - top) }) + top
        return logits.map { $0 - total }
    }
    private func divergence(_ p: some Sequence<Float>, _ q: some Sequence<Float>) -> Double {
        zip(logProbabilities(p), logProbabilities(q)).reduce(0) { $0 + DoubleMath.exp($1.0) * ($1.0 - $1.1) }
    }
    private func gaussian(_ m0: [Double], _ l0: [Double], _ m1: [Double], _ l1: [Double]) -> Double {
        m0.indices.reduce(0) { sum, k in
            let (s0, s1) = (DoubleMath.exp(2 * l0[k]), DoubleMath.exp(2 * l1[k]))
            return sum + l1[k] - l0[k] + (s0 + (m0[k] - m1[k]) * (m0[k] - m1[k])) / (2 * s1) - 0.5
        }
    }

    @Test func categoricalIsTheSum() {
        var dice = Dice(1)
        let (p, q) = (random([5, 4], -2...2, &dice), random([5, 4], -2...2, &dice))
        let result = ActionDistribution.categorical(4).klDivergence(output(p), output(q)).values
        let expected = (0..<5).map { Float(divergence(p.rows($0..<$0 + 1).values, q.rows($0..<$0 + 1).values)) }
        expectClose(result, expected, "divergence")
        #expect(ActionDistribution.categorical(4).klDivergence(output(p), output(p)).values.allSatisfy { $0 == 0 })
    }

    @Test func independentChoicesAddUp() {
        var dice = Dice(2)
        let (p, q) = (random([3, 5], -1...1, &dice), random([3, 5], -1...1, &dice))
        let result = ActionDistribution.multiCategorical([2, 3]).klDivergence(output(p), output(q)).values
        let expected = (0..<3).map { row in
            let (a, b) = (p.rows(row..<row + 1).values, q.rows(row..<row + 1).values)
            return Float(divergence(a[0..<2], b[0..<2]) + divergence(a[2..<5], b[2..<5]))
        }
        expectClose(result, expected, "divergence")
    }

    @Test func impossibleActionsAddNothing() {
        let (p, q) = (Tensor([0, -.infinity, 1], [1, 3]), Tensor([0.5, -.infinity, 0], [1, 3]))
        let result = ActionDistribution.categorical(3).klDivergence(output(p), output(q)).scalar
        #expect(abs(result - Float(divergence([0, 1], [0.5, 0]))) < 1e-6)
    }

    @Test func normalIsTheClosedForm() {
        var dice = Dice(3)
        let (m0, m1) = (random([4, 2], -1...1, &dice), random([4, 2], -1...1, &dice))
        let (l0, l1) = (random([2], -1...0.5, &dice), random([2], -1...0.5, &dice))
        let bounds = (low: [Float](repeating: -1, count: 2), high: [Float](repeating: 1, count: 2))
        let expected = (0..<4).map { row in
            Float(
                gaussian(
                    m0.rows(row..<row + 1).values.map(Double.init), l0.values.map(Double.init),
                    m1.rows(row..<row + 1).values.map(Double.init), l1.values.map(Double.init)))
        }
        for distribution in [ActionDistribution.gaussian(low: bounds.low, high: bounds.high), .tanhGaussian(low: bounds.low, high: bounds.high)] {
            expectClose(distribution.klDivergence(output(m0, l0), output(m1, l1)).values, expected, "divergence")
            #expect(distribution.klDivergence(output(m0, l0), output(m0, l0)).values.allSatisfy { abs($0) < 1e-6 })
        }
    }

    /// Central differences in double precision against the tape, for both arguments at once.
    @Test func gradientsReachBothArguments() {
        var dice = Dice(4)
        let (p, q) = (random([1, 3], -1...1, &dice), random([1, 3], -1...1, &dice))
        let (gradientP, gradientQ) = (Tensor(zeros: [1, 3]), Tensor(zeros: [1, 3]))
        let tape = Tape()
        tape.backward(
            sum(
                ActionDistribution.categorical(3).klDivergence(
                    output(tape.watch(p, accumulatingInto: gradientP)), output(tape.watch(q, accumulatingInto: gradientQ)))))
        let step: Float = 1e-2
        for k in 0..<3 {
            func moved(_ x: Tensor, _ by: Float) -> [Float] { x.values.enumerated().map { $0.offset == k ? $0.element + by : $0.element } }
            let width = Double(moved(p, step)[k]) - Double(moved(p, -step)[k])
            let ofP = (divergence(moved(p, step), q.values) - divergence(moved(p, -step), q.values)) / width
            let ofQ = (divergence(p.values, moved(q, step)) - divergence(p.values, moved(q, -step))) / width
            #expect(abs(Double(gradientP.values[k]) - ofP) < 1e-4 && abs(Double(gradientQ.values[k]) - ofQ) < 1e-4)
        }
    }

    @Test func gradientsOfNormalDistributions() {
        let (m0, l0, m1, l1): ([Double], [Double], [Double], [Double]) = ([0.3, -0.2], [0.1, -0.4], [-0.1, 0.5], [0.2, -0.1])
        func tensor(_ x: [Double], _ shape: [Int]) -> Tensor { Tensor(x.map(Float.init), shape) }
        let gradients = [Tensor(zeros: [1, 2]), Tensor(zeros: [2]), Tensor(zeros: [1, 2]), Tensor(zeros: [2])]
        let tape = Tape()
        func watched(_ x: [Double], _ place: Int) -> Tensor {
            tape.watch(tensor(x, gradients[place].shape), accumulatingInto: gradients[place])
        }
        let distribution = ActionDistribution.gaussian(low: [-1, -1], high: [1, 1])
        tape.backward(sum(distribution.klDivergence(output(watched(m0, 0), watched(l0, 1)), output(watched(m1, 2), watched(l1, 3)))))
        for k in 0..<2 {
            for place in 0..<4 {
                func moved(_ by: Double) -> Double {
                    var all = [m0, l0, m1, l1]
                    all[place][k] += by
                    return gaussian(all[0], all[1], all[2], all[3])
                }
                #expect(abs(Double(gradients[place].values[k]) - (moved(1e-5) - moved(-1e-5)) / 2e-5) < 1e-5)
            }
        }
    }

    /// ½ uᵀ M u is what the divergence grows by along u.
    @Test func theMetricIsTheSecondDerivative() {
        var dice = Dice(5)
        let (logits, u) = (random([2, 5], -1...1, &dice), random([2, 5], -1...1, &dice))
        let product = ActionDistribution.multiCategorical([2, 3]).fisherProduct(output(logits), OutputDirection(policy: u, logDeviation: nil))
        let step: Float = 0.05
        func mean(_ sign: Float) -> Double {
            (0..<2).reduce(0.0) { total, row in
                let (p, moved) = (logits.rows(row..<row + 1).values, (logits + (sign * step) * u).rows(row..<row + 1).values)
                return total + (divergence(p[0..<2], moved[0..<2]) + divergence(p[2..<5], moved[2..<5])) / 2
            }
        }
        let curvature = (mean(1) + mean(-1)) / Double(step * step)
        let form = zip(product.policy.values, u.values).reduce(0.0) { $0 + Double($1.0 * $1.1) }
        #expect(abs(form - curvature) < 2e-3 * curvature)

        let normal = ActionDistribution.gaussian(low: [-1], high: [1]).fisherProduct(
            output(Tensor([0, 1], [2, 1]), Tensor([0.5], [1])),
            OutputDirection(policy: Tensor([3, -1], [2, 1]), logDeviation: Tensor([0.7], [1])))
        expectClose(normal.policy.values, [3, -1].map { $0 * Float(DoubleMath.exp(-1)) / 2 }, "means")
        expectClose(normal.logDeviation!.values, [1.4], "log σ")
    }
}
