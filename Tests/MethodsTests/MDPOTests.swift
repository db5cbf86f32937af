import Methods
import Networks
import Rollouts
import TestSupport
import Tensors
import Testing

@Suite struct MDPOTests {
    private let rewards: [[Float]] = [[1, -0.5, 0.2], [-1, 0.3, 0.9]]

    /// With a table and many steps, π ∝ π_k exp(t A): mirror descent with the entropy is multiplicative weights.
    @Test func manyStepsAreMultiplicativeWeights() throws {
        let network = table(states: 2, actions: 3)
        let method = Method.mdpo(stepSize: 0.6, annealsStepSize: false, epochs: 600, value: 0, normalizesAdvantages: false)
        let learner = method.start(network)
        clear(learner)
        _ = try learner.update(everyAction(rewards), at: Moment(learningRate: 0.02))
        for state in 0..<2 {
            let weights = rewards[state].map { expOf(0.6 * Double($0)) }
            let expected = weights.map { $0 / weights.reduce(0, +) }
            for (p, q) in zip(network.probabilities(state, of: 2, learner.weights), expected) { #expect(abs(p - q) < 1e-4, "\(p) \(q)") }
        }
    }

    /// The other direction ends elsewhere, and it is not the one of this method.
    @Test func theDirectionOfTheDivergenceMatters() throws {
        let network = table(states: 1, actions: 2)
        func probability(_ direction: KLDivergence.Direction) throws -> Double {
            var method = Method.mdpo(annealsStepSize: false, epochs: 600, value: 0, normalizesAdvantages: false)
            method.regularizers = [KLDivergence(direction, 1)]
            let learner = method.start(network)
            clear(learner)
            _ = try learner.update(everyAction([[1, -1]]), at: Moment(learningRate: 0.02))
            return network.probabilities(0, of: 1, learner.weights)[0]
        }
        // Reverse: e / (e + 1/e). Forward: maximises p − (1 − p) + ½ log p + ½ log(1 − p), so 2 = ½/(1 − p) − ½/p.
        #expect(abs(try probability(.reverse) - 1 / (1 + expOf(-2))) < 1e-4)
        let forward = try probability(.forward)
        #expect(abs(0.5 / (1 - forward) - 0.5 / forward - 2) < 2e-3)
    }

    /// The divergence has no gradient at π_k: one step is the policy gradient with GAE.
    @Test func theFirstGradientIsThePolicyGradient() {
        var dice = Dice(state: 3)
        let network = TestSupport.network(observations: 3, actions: 3, hidden: [5])
        let batch = randomBatch(steps: 6, slots: 3, observations: 3, actions: 3, terminated: [4], truncated: [11], &dice)
        let weights = network.initialWeights(seed: 2)
        func gradient(_ method: Method) -> [Float] {
            weights.zeroGradient()
            let tape = Tape()
            tape.backward(
                method.loss(batch, network: network, parameters: weights.parameters(on: tape), constants: weights.parameters()).loss)
            return weights.gradient.values
        }
        let mirror = gradient(.mdpo(discount: 0.9, lambda: 0.8, stepSize: 0.01, entropy: 0.02, value: 0.3))
        let plain = gradient(.a2c(discount: 0.9, lambda: 0.8, entropy: 0.02, value: 0.3, normalizesAdvantages: true))
        #expect(deviation(mirror, plain) < 1e-5)
    }

    @Test func theStepSizeFallsToZero() throws {
        let method = Method.mdpo(stepSize: 0.5)
        func coefficient(_ progress: Double) throws -> Float {
            try #require(method.at(progress: progress).regularizers.first as? KLDivergence).coefficient
        }
        #expect(try coefficient(0) == 2 && coefficient(0.5) == 4 && abs(coefficient(0.9) - 20) < 1e-4 && abs(coefficient(1) - 200) < 1e-3)
        #expect(method.at(progress: 0.5).regularizers.dropFirst().map(\.coefficient) == method.regularizers.dropFirst().map(\.coefficient))
        // It reaches the learner: at the end of the run the policy hardly moves any more.
        let network = table(states: 2, actions: 3)
        func moved(_ progress: Double) throws -> Double {
            let learner = Method.mdpo(epochs: 200, value: 0).start(network)
            clear(learner)
            _ = try learner.update(everyAction(rewards), at: Moment(learningRate: 0.02, progress: progress))
            return abs(network.probabilities(0, of: 2, learner.weights)[0] - 1 / 3)
        }
        #expect(try moved(0.98) < 0.1 * moved(0))
    }

    /// An entropy bonus b against the divergence with weight c: log σ rises by ½ log(1 + b/c) and stays there.
    @Test func theDivergenceHoldsTheDeviation() throws {
        var dice = Dice(state: 5)
        let network = try normalPolicy(hidden: [])
        let method = Method.mdpo(stepSize: 0.5, annealsStepSize: false, epochs: 400, entropy: 1, value: 0, normalizesAdvantages: false)
        let learner = method.start(network)
        clear(learner)
        _ = try learner.update(continuousBatch(steps: 4, slots: 2, reward: 0...0, &dice), at: Moment(learningRate: 0.01))
        for logDeviation in learner.weights.flat.values[6..<8] { #expect(abs(Double(logDeviation) - 0.5 * logOf(1.5)) < 1e-3) }
    }

    @Test func survivesARestartWithMemoryToo() throws {
        var dice = Dice(state: 4)
        var settings = NetworkSettings(hidden: [6])
        (settings.memory, settings.memoryWidth) = (.lstm, 5)
        let recurrent = try ActorCritic(observation: .box(shape: [3]), action: .discrete(2), settings)
        let batches = (0..<4).map { _ in recurrentBatch(recurrent, steps: 6, slots: 3, ends: [7], &dice) }
        #expect(try survivesRestart(Method.mdpo(minibatches: 2), recurrent, batches, at: 2))
    }
}
