import Methods
import Networks
import Rollouts
import TestSupport
import Tensors
import Testing

@Suite struct TrustRegionTests {
    private let rewards: [[Float]] = [[1, -0.5, 0.2], [-1, 0.3, 0.9]]
    private func moment(_ version: UInt64 = 0) -> Moment { Moment(version: version, learningRate: 0.01) }

    /// One exact step of the natural gradient on a table is the multiplicative-weights update: π ∝ exp(step · A).
    @Test func aTabularStepIsMultiplicativeWeights() throws {
        let network = table(states: 2, actions: 3)
        let learner = TrustRegion.npg(stepSize: 0.7, damping: 0, iterations: 8, normalizesAdvantages: false).start(network)
        clear(learner)
        _ = try learner.update(everyAction(rewards), at: moment())
        for state in 0..<2 {
            // ∇J and F both carry the share of the state among the observations, which cancels.
            let weights = rewards[state].map { expOf(0.7 * Double($0)) }
            let expected = weights.map { $0 / weights.reduce(0, +) }
            for (p, q) in zip(network.probabilities(state, of: 2, learner.weights), expected) { #expect(abs(p - q) < 1e-3, "\(p) \(q)") }
        }
    }

    /// (F + damping) Δθ = ∇J with everything but Δθ written out in double precision.
    @Test func aStepSolvesTheExplicitSystem() throws {
        var dice = Dice(state: 7)
        let net = DoubleNetwork(observations: 3, hidden: 4, actions: 3)
        let network = TestSupport.network(observations: 3, actions: 3, hidden: [4])
        let batch = randomBatch(steps: 5, slots: 4, observations: 3, actions: 3, terminated: [4, 9, 13], &dice)
        let method = TrustRegion.npg(discount: 0.9, lambda: 0.8, stepSize: 0.05, damping: 0.2, iterations: 40, normalizesAdvantages: false)
        let learner = method.start(network)
        learner.weights.flat.withMutableBuffer { for k in $0.indices { $0[k] = Float.random(in: -0.7...0.7, using: &dice) } }
        let before = learner.weights.flat.values.map(Double.init)
        let evaluation = Evaluation(batch, network, parameters: learner.weights.parameters(), constants: learner.weights.parameters())
        let (values, nextValues) = (evaluation.value.values.map(Double.init), evaluation.nextValue.values.map(Double.init))
        var gradient = [Double](repeating: 0, count: before.count)
        let observations = batch.observation.vectors.values.map(Double.init)
        let rows = (0..<batch.frames).map { Array(observations[($0 * 3)..<($0 * 3 + 3)]) }
        for slot in 0..<4 {
            var following = 0.0
            for t in (0..<5).reversed() {
                let index = t * 4 + slot
                let d = batch.terminated[index] != 0 ? 0 : 0.9
                let error = Double(batch.reward.values[index]) + d * nextValues[index] - values[index]
                following = error + d * 0.8 * following
                let ofAction = CurvatureTests.logProbGradients(net, rows[index], before)[Int(batch.choices[index])]
                for k in before.indices { gradient[k] += following * ofAction[k] / 20 }
            }
        }
        _ = try learner.update(batch, at: moment())
        let policy = before.count - 5
        let after = learner.weights.flat.values
        var step = [Double](repeating: 0, count: before.count)
        for k in 0..<policy { step[k] = (Double(after[k]) - before[k]) / 0.05 }
        let image = CurvatureTests.fisher(net, rows, before, step)
        let size = gradient.map(abs).max()!
        for k in 0..<policy {
            let found = image[k] + 0.2 * step[k]
            #expect(abs(found - gradient[k]) < 3e-3 * size, "\(found) against \(gradient[k])")
        }
        #expect(gradient.suffix(5).allSatisfy { $0 == 0 })
    }

    @Test func theDivergenceStaysInside() throws {
        var dice = Dice(state: 8)
        let network = TestSupport.network(observations: 3, actions: 4, hidden: [16])
        let learner = TrustRegion.trpo(maxKL: 0.01, damping: 1e-3).start(network)
        var taken = 0
        for version in 0..<12 {
            let batch = randomBatch(steps: 16, slots: 4, observations: 3, actions: 4, terminated: [9, 30], truncated: [21], &dice)
            func policy() -> PolicyOutput {
                Evaluation(batch, network, parameters: learner.weights.parameters(), constants: learner.weights.parameters()).output.picked(
                    Array(0..<64))
            }
            let before = policy()
            let report = try learner.update(batch, at: moment(UInt64(version)))
            let metrics = Dictionary(uniqueKeysWithValues: report.metrics.map { ($0.name, $0.value) })
            let divergence = mean(network.distribution.klDivergence(before, policy())).scalar
            #expect(divergence <= 0.01 && abs(divergence - metrics["kl"]!) < 1e-6)
            #expect(metrics["surrogate_gain"]! >= 0)
            if metrics["step_taken"] == 1 { taken += 1 }
        }
        #expect(taken > 8)
    }

    /// Of a normal policy the divergence counts log σ too, which the step moves in place.
    @Test func theDivergenceOfNormalPolicies() throws {
        var dice = Dice(state: 12)
        let network = try normalPolicy(hidden: [6])
        let learner = TrustRegion.trpo(maxKL: 0.02, damping: 1e-3).start(network)
        for version in 0..<4 {
            let batch = continuousBatch(steps: 16, slots: 2, &dice)
            func policy() -> PolicyOutput {
                Evaluation(batch, network, parameters: learner.weights.parameters(), constants: learner.weights.parameters()).output.snapshot
            }
            let before = policy()
            let report = try learner.update(batch, at: moment(UInt64(version)))
            let divergence = mean(network.distribution.klDivergence(before, policy())).scalar
            #expect(divergence > 1e-3 && divergence <= 0.02)
            #expect(abs(divergence - report.metrics.first { $0.name == "kl" }!.value) < 1e-5)
            #expect(before.logDeviation!.values != policy().logDeviation!.values)
        }
    }

    /// Without a search, the step's divergence is the limit as far as it is quadratic.
    @Test func theLengthIsThatOfTheDivergence() throws {
        let network = table(states: 2, actions: 3)
        let learner = TrustRegion.npg(maxKL: 1e-4, damping: 1e-6, iterations: 8).start(network)
        clear(learner)
        let report = try learner.update(everyAction(rewards), at: moment())
        #expect(abs(report.metrics.first { $0.name == "kl" }!.value / 1e-4 - 1) < 0.03)
    }

    /// Neither step touches the other's parameters. With one torso the value head sees the features that the policy's step has changed.
    @Test(arguments: [false, true]) func stepsAreApart(separate: Bool) throws {
        var dice = Dice(state: 9)
        var settings = NetworkSettings(hidden: [6])
        settings.separateValue = separate
        let network = try ActorCritic(observation: .box(shape: [3]), action: .discrete(3), settings)
        let batch = randomBatch(steps: 8, slots: 2, observations: 3, actions: 3, &dice)
        func after(_ method: TrustRegion) throws -> (policy: [Float], value: [Float]) {
            let learner = method.start(network)
            let start = learner.weights.flat.values
            _ = try learner.update(batch, at: moment())
            let moved = zip(start, learner.weights.flat.values).map { $1 - $0 }
            func part(_ isValue: Bool) -> [Float] {
                network.layout.specs.filter { $0.name.hasPrefix("value") == isValue }.flatMap { moved[$0.offset..<$0.offset + $0.count] }
            }
            return (part(false), part(true))
        }
        let base = try after(.trpo())
        let moreValue = try after(.trpo(valueFit: ValueFit(epochs: 9)))
        let fartherPolicy = try after(.trpo(maxKL: 0.1))
        #expect(base.policy == moreValue.policy && (base.value == fartherPolicy.value) == separate)
        #expect(base.policy != fartherPolicy.policy && base.value != moreValue.value)
        #expect(base.value.count == (separate ? 3 * 6 + 6 : 0) + 7)
    }

    /// The value of a state that goes on for ever, cut by a time limit, is 1 / (1 − γ): a truncation is bootstrapped.
    @Test func truncationIsNoEnd() throws {
        let network = table(states: 1, actions: 2)
        let learner = TrustRegion.trpo(discount: 0.9, valueFit: ValueFit(epochs: 5, minibatches: 1)).start(network)
        let builder = RolloutBuilder(observation: .box(shape: [1]), action: .discrete(2), steps: 10, slots: 1)
        for version in 0..<200 {
            for t in 0...10 { builder.observation(t, as: Float.self)[0] = 1 }
            for t in 0..<10 {
                builder.action(t, as: Int32.self)[0] = Int32(t % 2)
                (builder.behaviourLogProb(t)[0], builder.reward(t)[0]) = (-0.7, 1)
                (builder.terminated(t)[0], builder.truncated(t)[0]) = (0, t == 9 ? 1 : 0)
            }
            [Float(1)].withUnsafeBytes { builder.appendEnded(step: 9, slot: 0, finalObservation: $0, episodeReturn: 10, length: 10) }
            let data = batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: UInt64(version)), version: 0)])
            _ = try learner.update(data, at: Moment(version: UInt64(version), learningRate: 0.05))
        }
        let value = network(Tensor([1], [1, 1]), learner.weights.parameters()).value.scalar
        #expect(abs(value - 10) < 0.3, "\(value)")
    }

    @Test func worksWithMemoryAndSurvivesARestart() throws {
        var dice = Dice(state: 10)
        var settings = NetworkSettings(hidden: [6])
        (settings.memory, settings.memoryWidth) = (.gru, 5)
        let recurrent = try ActorCritic(observation: .box(shape: [3]), action: .discrete(2), settings)
        let batches = (0..<4).map { _ in recurrentBatch(recurrent, steps: 6, slots: 3, ends: [7], &dice) }
        #expect(try survivesRestart(TrustRegion.trpo(), recurrent, batches, at: 2))
        #expect(try survivesRestart(TrustRegion.npg(), recurrent, batches, at: 2))
    }

    @Test func aBadBatchChangesNothing() throws {
        var dice = Dice(state: 11)
        let network = TestSupport.network(observations: 3, actions: 3, hidden: [5])
        let learner = TrustRegion.trpo().start(network)
        var batch = randomBatch(steps: 4, slots: 2, observations: 3, actions: 3, &dice)
        _ = try learner.update(batch, at: moment())
        let before = (learner.weights.flat.values, learner.state.map { $0.bytes.array(of: UInt8.self) })
        batch.reward = Tensor([Float](repeating: .nan, count: 8), [4, 2])
        #expect(throws: NonFiniteGradient.self) { try learner.update(batch, at: moment(1)) }
        #expect(learner.weights.flat.values == before.0 && learner.state.map { $0.bytes.array(of: UInt8.self) } == before.1)
    }
}
