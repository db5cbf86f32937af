import Glibc
import Networks
import Platform
import TestSupport
import Tensors
import Testing

@Suite struct ContinuousPolicyTests {
    private let gaussian: ActionDistribution
    private let squashed: ActionDistribution

    init() throws {
        gaussian = try ActionDistribution(.box(shape: [1], low: -1, high: 1), .gaussian)
        squashed = try ActionDistribution(.box(shape: [1], low: -1, high: 1), .tanhGaussian)
    }

    private func output(_ mean: Tensor, _ logDeviation: Tensor) -> PolicyOutput {
        PolicyOutput(policy: mean, logDeviation: logDeviation, value: Tensor(zeros: [mean.shape[0]]))
    }
    private func distribution(_ count: Int, _ kind: ContinuousPolicy) throws -> ActionDistribution {
        try ActionDistribution(.box(shape: [count], low: -1, high: 1), kind)
    }

    /// The density and its gradients as PyTorch gives them; actions are constants.
    @Test(arguments: [("gaussian_log_prob", ContinuousPolicy.gaussian), ("tanh_gaussian_log_prob_of_pre_tanh_u", .tanhGaussian)])
    func goldens(_ name: String, _ kind: ContinuousPolicy) throws {
        let cases = try Fixtures.cases(name, in: "networks.json")
        #expect(!cases.isEmpty)
        for golden in cases {
            let inputs = try #require(golden["inputs"])
            let mean = try #require(inputs["mean"]).tensor, logDeviation = try #require(inputs["log_std"]).tensor
            let action = try #require(inputs[kind == .gaussian ? "action" : "u"]).tensor
            let tape = Tape()
            let gradients = [Tensor(zeros: mean.shape), Tensor(zeros: logDeviation.shape)]
            let output = output(
                tape.watch(mean, accumulatingInto: gradients[0]), tape.watch(logDeviation, accumulatingInto: gradients[1]))
            let logProb = try distribution(mean.shape[1], kind).logProb(of: .vectors(action), output)
            expectClose(logProb.values, try #require(golden["output"]).tensor.values, name)
            tape.backward(sum(logProb * (try #require(golden["cotangent"]).tensor)))
            for (key, gradient) in zip(["mean", "log_std"], gradients) {
                expectClose(gradient.values, try #require(golden["gradients"]?[key]).tensor.values, "\(name), gradient of \(key)")
            }
        }
    }

    /// Over a fine grid the densities integrate to 1, and −∫ p log p is the entropy.
    @Test(arguments: [(Float(0.3), Float(-0.5)), (-1.2, 0.4)]) func densitiesIntegrate(_ mean: Float, _ logDeviation: Float) {
        func integral(_ kind: ActionDistribution, _ points: [Double], _ drawn: [Float], width: Double) -> (total: Double, entropy: Double) {
            let output = output(Tensor([Float](repeating: mean, count: points.count), [points.count, 1]), Tensor([logDeviation], [1]))
            let logProbs = kind.logProb(of: .vectors(Tensor(drawn, [points.count, 1])), output).values.map(Double.init)
            return (
                logProbs.reduce(0) { $0 + exp($1) * width }, logProbs.reduce(0) { $0 - exp($1) * $1 * width }
            )
        }
        let line = (0..<40_000).map { -20 + (Double($0) + 0.5) / 1000 }
        let normal = integral(gaussian, line, line.map { Float($0) }, width: 0.001)
        let closed = gaussian.entropy(output(Tensor([mean], [1, 1]), Tensor([logDeviation], [1])), at: .vectors(Tensor([0], [1, 1])))
        #expect(abs(normal.total - 1) < 1e-5)
        #expect(abs(normal.entropy - Double(closed.scalar)) < 1e-5)

        // Of tanh u, over (−1, 1).
        let inside = (0..<200_000).map { -1 + (Double($0) + 0.5) / 100_000 }
        let squashed = integral(squashed, inside, inside.map { Float(atanh($0)) }, width: 1e-5)
        #expect(abs(squashed.total - 1) < 1e-3)

        // The estimate at evenly spread draws is the entropy, and so is its gradient.
        func spread(_ mean: Float, _ logDeviation: Float) -> Tensor {
            let count = 8192
            return Tensor((0..<count).map { mean + exp(logDeviation) * normalQuantile((Float($0) + 0.5) / Float(count)) }, [count, 1])
        }
        func estimate(_ mean: Tensor, _ logDeviation: Tensor, at draws: Tensor) -> Tensor {
            let means = addRow(Tensor(zeros: draws.shape), mean)
            return Tensors.mean(self.squashed.entropy(output(means, logDeviation), at: .vectors(draws)))
        }
        let draws = spread(mean, logDeviation)
        let tape = Tape()
        let (meanGradient, deviationGradient) = (Tensor(zeros: [1]), Tensor(zeros: [1]))
        let value = estimate(
            tape.watch(Tensor([mean], [1]), accumulatingInto: meanGradient),
            tape.watch(Tensor([logDeviation], [1]), accumulatingInto: deviationGradient), at: draws)
        #expect(abs(Double(value.scalar) - squashed.entropy) < 5e-3)
        tape.backward(value)
        func moved(_ a: Float, _ b: Float) -> Float {
            estimate(Tensor([mean + a], [1]), Tensor([logDeviation + b], [1]), at: spread(mean + a, logDeviation + b)).scalar
        }
        #expect(abs(meanGradient.scalar - (moved(0.01, 0) - moved(-0.01, 0)) / 0.02) < 2e-3)
        #expect(abs(deviationGradient.scalar - (moved(0, 0.01) - moved(0, -0.01)) / 0.02) < 2e-3)
    }

    @Test func quantiles() {
        for (p, z) in [(0.5, 0), (0.8413447, 1), (0.9772499, 2), (0.975, 1.959964), (0.99, 2.326348), (0.999, 3.090232)] as [(Float, Float)] {
            #expect(abs(normalQuantile(p) - z) < 3e-5)
        }
        let cells = 1 << 24
        var before = -Float.infinity
        for index in [0, 1, 2, 1000, 406_844, 406_845, 1 << 20, 1 << 22, (1 << 23) - 1, 1 << 23, cells - 406_845, cells - 2, cells - 1] {
            let z = normalQuantile(Float(index) / Float(cells))
            // The other cell at the same distance from the middle.
            #expect(normalQuantile(Float(cells - 1 - index) / Float(cells)) == -z)
            #expect(z > before && z.isFinite)
            before = z
            // Φ undoes it, also far out.
            let p = (Double(index) + 0.5) / Double(cells)
            let back = 0.5 * erfc(-Double(z) / 2.0.squareRoot())
            #expect(abs(back - p) < 1e-7 && abs(back / p - 1) < 1e-5)
        }
    }

    @Test(arguments: [ContinuousPolicy.gaussian, .tanhGaussian]) func draws(_ kind: ContinuousPolicy) throws {
        let (rows, width) = (50_000, 2)
        let distribution = try distribution(width, kind)
        let mean = Tensor((0..<rows * width).map { $0 % 2 == 0 ? 0.5 : -2 }, [rows, width])
        let output = output(mean, Tensor([-0.7, 0.3], [2]))
        var uniforms = [Float](repeating: 0, count: rows * width)
        uniforms.withUnsafeMutableBufferPointer { RandomKey(seed: 3, purpose: .action).uniforms(step: 1, into: $0) }
        var (actions, logProbs) = ([Float](repeating: .nan, count: rows * width), [Float](repeating: .nan, count: rows))
        actions.withUnsafeMutableBytes { actions in
            logProbs.withUnsafeMutableBufferPointer { logProbs in
                uniforms.withUnsafeBufferPointer { distribution.sample(output, uniforms: $0, actions: actions, logProbs: logProbs) }
            }
        }
        // What the actor sends is what the learner computes.
        #expect(distribution.logProb(of: .vectors(Tensor(actions, [rows, width])), output).values == logProbs)
        for k in 0..<width {
            let deviation = exp([-0.7, 0.3][k])
            let z = stride(from: k, to: actions.count, by: width).map { (Double(actions[$0]) - [0.5, -2][k]) / deviation }
            func moment(_ power: Int) -> Double { z.reduce(0) { $0 + pow($1, Double(power)) } / Double(rows) }
            // Four standard errors: those of the k-th moment are √((E z²ᵏ − (E zᵏ)²) / n).
            let error = 4 / Double(rows).squareRoot()
            #expect(abs(moment(1)) < error && abs(moment(2) - 1) < error * 1.42)
            #expect(abs(moment(3)) < error * 3.88 && abs(moment(4) - 3) < error * 9.8)
            #expect(z.max()! > 3.5 && z.min()! < -3.5)
        }
        // The numbers of one action are independent.
        var product = 0.0
        for row in 0..<rows { product += (Double(actions[2 * row]) - 0.5) * (Double(actions[2 * row + 1]) + 2) }
        #expect(abs(product / Double(rows)) < 4 * exp(-0.4) / Double(rows).squareRoot())
    }

    @Test func boundsAndModes() throws {
        let box = Space.box(shape: [2], low: [-2, 0.1], high: [2, 0.3])
        var actions: [Float] = [-3, 0.2, 1.5, 7, 0, -.infinity]
        actions.withUnsafeMutableBytes { try! ActionDistribution(box, .gaussian).bound($0) }
        #expect(actions == [-2, 0.2, 1.5, 0.3, 0, 0.1])

        actions = [0, 0, 50, 50, -50, -50, 0.5, -0.5]
        actions.withUnsafeMutableBytes { try! ActionDistribution(box, .tanhGaussian).bound($0) }
        expectClose(actions, [0, 0.2, 2, 0.3, -2, 0.1, 2 * 0.46211717, 0.2 - 0.1 * 0.46211717], "squashed")
        for (k, action) in actions.enumerated() { #expect(action >= [-2, 0.1][k % 2] && action <= [2, 0.3][k % 2]) }

        var choices: [Int32] = [3, -7]
        choices.withUnsafeMutableBytes { try! ActionDistribution(.discrete(2), .gaussian).bound($0) }
        #expect(choices == [3, -7])

        var modes = [Float](repeating: 0, count: 4)
        let output = output(Tensor([1, 2, -3, 4], [2, 2]), Tensor([0, 0], [2]))
        modes.withUnsafeMutableBytes { try! ActionDistribution(box, .tanhGaussian).mode(output, actions: $0) }
        #expect(modes == [1, 2, -3, 4])
    }
}
