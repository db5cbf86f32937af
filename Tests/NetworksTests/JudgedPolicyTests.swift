import Glibc
import Networks
import TestSupport
import Tensors
import Testing

/// Policies that critics judge, and what they need of the distributions: a log σ for each row, draws with gradients.
@Suite struct JudgedPolicyTests {
    private let box = Space.box(shape: [2], low: [-1, 0], high: [1, 4])

    private func random(_ count: Int, _ dice: inout Dice) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &dice) } }

    /// Rows of equal log σ are the same numbers, bit for bit, as one log σ for all; different ones each as if they stood alone.
    @Test(arguments: [ContinuousPolicy.gaussian, .tanhGaussian]) func aDeviationForEachRow(_ kind: ContinuousPolicy) throws {
        let distribution = try ActionDistribution(box, kind)
        var dice = Dice(3)
        let (mean, drawn) = (Tensor(random(10, &dice), [5, 2]), Tensor(random(10, &dice), [5, 2]))
        let value = Tensor(zeros: [5])
        func numbers(_ output: PolicyOutput) -> [Float] {
            var (actions, logProbs) = ([Float](repeating: 0, count: output.policy.count), [Float](repeating: 0, count: output.policy.shape[0]))
            let uniforms = (0..<output.policy.count).map { (Float($0) + 0.5) / 16 }
            actions.withUnsafeMutableBytes { actions in
                logProbs.withUnsafeMutableBufferPointer { logProbs in
                    uniforms.withUnsafeBufferPointer { distribution.sample(output, uniforms: $0, actions: actions, logProbs: logProbs) }
                }
            }
            let rows = Tensor(Array(drawn.values.prefix(output.policy.count)), output.policy.shape)
            return distribution.logProb(of: .vectors(rows), output).values + distribution.entropy(output, at: .vectors(rows)).values + actions
                + logProbs
        }
        let one = PolicyOutput(policy: mean, logDeviation: Tensor([-0.5, 0.2], [2]), value: value)
        let same = PolicyOutput(policy: mean, logDeviation: Tensor((0..<10).map { $0 % 2 == 0 ? -0.5 : 0.2 }, [5, 2]), value: value)
        // Squashed entropies divide where the other multiplies by the inverse.
        expectClose(numbers(same), numbers(one), "one deviation")
        #expect(distribution.logProb(of: .vectors(drawn), same).values == distribution.logProb(of: .vectors(drawn), one).values)

        let deviations = random(10, &dice)
        let rowWise = PolicyOutput(policy: mean, logDeviation: Tensor(deviations, [5, 2]), value: value)
        for row in 0..<5 {
            let alone = PolicyOutput(
                policy: mean.rows(row..<row + 1), logDeviation: Tensor(Array(deviations[(2 * row)..<(2 * row + 2)]), [2]),
                value: value.rows(row..<row + 1))
            let action = Actions.vectors(drawn.rows(row..<row + 1))
            expectClose([distribution.logProb(of: .vectors(drawn), rowWise).values[row]], distribution.logProb(of: action, alone).values, "density")
            expectClose(
                [distribution.entropy(rowWise, at: .vectors(drawn)).values[row]], distribution.entropy(alone, at: action).values, "entropy")
        }
        let picked = rowWise.picked([3, 1])
        #expect(picked.logDeviation!.values == Array(deviations[6..<8] + deviations[2..<4]))
        #expect(one.picked([3, 1]).logDeviation!.values == [-0.5, 0.2])
    }

    /// Entropy and draws of a squashed policy against differences with respect to mean and log σ of each row.
    @Test func rowWiseGradients() throws {
        let distribution = try ActionDistribution(box, .tanhGaussian)
        var dice = Dice(9)
        let start = random(8, &dice), z = Tensor(random(8, &dice), [4, 2]), weights = Tensor(random(8, &dice), [4, 2])
        func loss(_ mean: Tensor, _ logDeviation: Tensor) -> Tensor {
            let output = PolicyOutput(policy: mean, logDeviation: logDeviation, value: Tensor(zeros: [4]))
            let drawn = distribution.drawn(output, noise: z)
            return sum(drawn.action * weights) + sum(drawn.logProb * drawn.logProb)
        }
        let tape = Tape()
        let gradients = [Tensor(zeros: [4, 2]), Tensor(zeros: [4, 2])]
        let inputs = [Tensor(start, [4, 2]), Tensor(random(8, &dice), [4, 2])]
        tape.backward(loss(tape.watch(inputs[0], accumulatingInto: gradients[0]), tape.watch(inputs[1], accumulatingInto: gradients[1])))
        for which in 0..<2 {
            for k in 0..<8 {
                func moved(_ step: Float) -> Float {
                    var values = inputs.map(\.values)
                    values[which][k] += step
                    return loss(Tensor(values[0], [4, 2]), Tensor(values[1], [4, 2])).scalar
                }
                let difference = (moved(0.01) - moved(-0.01)) / 0.02
                #expect(abs(gradients[which].values[k] - difference) < 0.01 + 0.01 * abs(difference), "input \(which), number \(k)")
            }
        }
        // The density of a draw is the one that the learner computes of it.
        let output = PolicyOutput(policy: inputs[0], logDeviation: inputs[1], value: Tensor(zeros: [4]))
        let u = inputs[0] + z * exp(inputs[1])
        expectClose(distribution.drawn(output, noise: z).logProb.values, distribution.logProb(of: .vectors(u), output).values, "density")
        expectClose(distribution.drawn(output, noise: z).action.values, distribution.unit(u).values, "action")
    }

    /// The mean of −log π over many draws is the entropy of the squashed distribution, by numerical integration.
    @Test func entropyOfDraws() throws {
        let distribution = try ActionDistribution(.box(shape: [1], low: -1, high: 1), .tanhGaussian)
        let rows = 40_000
        let z = RandomKey(seed: 4, purpose: .learner).normals(step: 2, [rows, 1])
        let output = PolicyOutput(
            policy: Tensor([Float](repeating: 0.4, count: rows), [rows, 1]),
            logDeviation: Tensor([Float](repeating: -0.3, count: rows), [rows, 1]), value: Tensor(zeros: [rows]))
        let estimate = -mean(distribution.drawn(output, noise: z).logProb).scalar
        var entropy = 0.0
        let cells = 200_000
        for cell in 0..<cells {
            let a = -1 + (Double(cell) + 0.5) / Double(cells / 2)
            let u = Glibc.atanh(a), x = (u - Double(Float(0.4))) / Glibc.exp(-0.3)
            let logDensity = -0.5 * x * x + 0.3 - 0.5 * Glibc.log(2 * Double.pi) - Glibc.log(1 - a * a)
            entropy -= Glibc.exp(logDensity) * logDensity * 2 / Double(cells)
        }
        #expect(abs(Double(estimate) - entropy) < 0.02)
    }

    /// The vector kernel of Φ⁻¹ against the one in double precision, far into both tails.
    @Test func normals() {
        let cells = 1 << 24
        let ends: [Int] = [0, 1, 2, 100, 4000, 406_844, 1 << 20, cells / 2 - 1, cells / 2, cells - 4000, cells - 2, cells - 1]
        let between: [Int] = (0..<4000).map { $0 * 4194 + 17 }
        let uniforms: [Float] = (ends + between).map { Float($0) / Float(cells) }
        let key = RandomKey(seed: 1, purpose: .learner)
        var drawn = [Float](repeating: 0, count: 4096)
        drawn.withUnsafeMutableBufferPointer { key.uniforms(step: 5, into: $0) }
        expectClose(key.normals(step: 5, [64, 64]).values, drawn.map(normalQuantile), "drawn")
        let quantiles = normalQuantiles(Tensor(uniforms, [uniforms.count])).values
        for (uniform, z) in zip(uniforms, quantiles) {
            let expected: Float = normalQuantile(uniform)
            #expect(abs(z - expected) < 2e-6 * max(1, abs(expected)), "\(uniform): \(z), expected \(expected)")
        }
    }

    @Test func unitActions() throws {
        let gaussian = try ActionDistribution(box, .gaussian)
        expectClose(gaussian.unit(Tensor([-5, 2, 0.5, 4, 1, 7], [3, 2])).values, [-1, 0, 0.5, 1, 1, 1], "clipped")
        let squashed = try ActionDistribution(box, .tanhGaussian)
        expectClose(squashed.unit(Tensor([0.5, -50], [1, 2])).values, [0.46211717, -1], "squashed")
    }

    @Test func deterministicActionsLieInTheBox() throws {
        let network = try DeterministicPolicy(observation: .box(shape: [3]), action: box, NetworkSettings(hidden: [8], activation: .relu))
        let weights = network.initialWeights(seed: 1)
        var dice = Dice(5)
        let observation = Observations(Tensor(random(12, &dice), [4, 3]), network.observationSpace)
        // At the start the middle of the box, nearly.
        for (k, action) in network(observation, weights.parameters()).policy.values.enumerated() {
            #expect(abs(action - [0, 2][k % 2]) < 0.1)
        }
        weights.setExploration(0.25, network.distribution)
        expectClose(network(observation, weights.parameters()).logDeviation!.values, [log(0.25), log(0.5)], "noise")
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] *= 1000 } }
        var actions = network(observation, weights.parameters()).policy.values
        let before = actions
        actions.withUnsafeMutableBytes { network.distribution.bound($0) }
        #expect(actions == before)
        #expect(network(observation, weights.parameters()).value.values == [0, 0, 0, 0])
    }

    @Test func squashedPolicyStartsUndecided() throws {
        var settings = NetworkSettings(hidden: [8], activation: .relu)
        (settings.initialLogDeviation, settings.normalizeObservations) = (-0.5, true)
        let network = try SquashedGaussianPolicy(observation: .box(shape: [3]), action: box, settings)
        let weights = network.initialWeights(seed: 1)
        var dice = Dice(5)
        let observation = Observations(Tensor(random(12, &dice), [4, 3]), network.observationSpace)
        let output = network(observation, weights.parameters())
        #expect(output.policy.values.allSatisfy { abs($0) < 0.1 } && output.logDeviation!.values.allSatisfy { abs($0 + 0.5) < 0.1 })
        #expect(output.logDeviation!.shape == [4, 2] && network.normalizesObservations)
        // Beyond its limits log σ stays where it is.
        weights.flat.withMutableBuffer { values in
            for spec in network.layout.specs where spec.name == "policy.bias" {
                (values[spec.offset + 2], values[spec.offset + 3]) = (50, -50)
            }
        }
        expectClose(Array(network(observation, weights.parameters()).logDeviation!.values[..<2]), [2, -20], "limits")
        weights.setNormalizer(mean: [0.5, 0, 0], scale: [2, 1, 1])
        let features = network.features(observation, weights.parameters()).values, raw = observation.vectors.values
        #expect(features[0] == 2 * (raw[0] - 0.5) && features[1] == raw[1])
    }

    @Test func criticsDiffer() throws {
        let critic = TwinCritic(features: 3, actions: 2, NetworkSettings(hidden: [8, 8], activation: .relu))
        let weights = critic.initialWeights(seed: 2)
        let half = weights.flat.count / 2
        #expect(Array(weights.flat.values[..<half]) != Array(weights.flat.values[half...]))
        #expect(critic.layout.specs.first?.shape == [8, 5] && critic.initialWeights(seed: 2).flat.values == weights.flat.values)
        // With constant parameters the tape reaches the input alone.
        var dice = Dice(2)
        let tape = Tape()
        let gradient = Tensor(zeros: [4, 5])
        let q = critic(tape.watch(Tensor(random(20, &dice), [4, 5]), accumulatingInto: gradient), weights.parameters())
        tape.backward(sum(minimum(q.first, q.second)))
        #expect(gradient.values.contains { $0 != 0 } && weights.gradient.values.allSatisfy { $0 == 0 })
        expectClose(critic.first(Tensor([1, 2, 3, 4, 5], [1, 5]), weights.parameters()).values,
            critic(Tensor([1, 2, 3, 4, 5], [1, 5]), weights.parameters()).first.values, "first")
    }

    @Test func refusals() {
        func refused(_ observation: Space, _ action: Space, _ edit: (inout NetworkSettings) -> Void = { _ in }) -> String? {
            var settings = NetworkSettings()
            edit(&settings)
            do {
                _ = try SquashedGaussianPolicy(observation: observation, action: action, settings)
                _ = try DeterministicPolicy(observation: observation, action: action, settings)
                return nil
            } catch { return error.place }
        }
        #expect(refused(.box(shape: [3]), box) == nil)
        #expect(refused(.bytes(shape: [8, 8, 1], high: 255), box) == "environment.id")
        #expect(refused(.box(shape: [3]), .discrete(2)) == "environment.id")
        #expect(refused(.box(shape: [3]), .box(shape: [1])) == "environment.id")
        #expect(refused(.box(shape: [3]), box) { $0.memory = .gru } == "network.memory")
    }
}
