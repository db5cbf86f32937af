import Methods
import Networks
import Rollouts
import TestSupport
import Tensors
import Testing

@Suite struct MDPOOffTests {
    private let rewards: [[Float]] = [[1, -0.5, 0.2], [-1, 0.3, 0.9]]

    /// While π_k stays, π ∝ π_k^{(1/t) / (λ + 1/t)} exp(r / (λ + 1/t)); without the divergence, discrete SAC's exp(r / λ).
    @Test(arguments: [0, 0.8] as [Float]) func convergesToTheMirrorStep(divergence: Float) throws {
        let network = table(states: 2, actions: 3)
        let learner = MDPOOff(temperature: 0.5, divergence: divergence, anchorEvery: 1_000_000, tau: 0.5).start(network)
        clear(learner)
        let batch = everyAction(rewards)
        for version in 0..<1200 { _ = try learner.update(batch, at: Moment(version: UInt64(version), learningRate: 0.01)) }
        for state in 0..<2 {
            // π_k is the initial policy, which is all but uniform.
            let weights = rewards[state].map { expOf(Double($0) / Double(0.5 + divergence)) }
            for (p, q) in zip(network.probabilities(state, of: 2, learner.weights), weights) {
                #expect(abs(p - q / weights.reduce(0, +)) < 5e-3, "\(p) \(q / weights.reduce(0, +))")
            }
        }
    }

    /// A state that goes on for ever: Q = (1 + γ λ log 2) / (1 − γ), whether a time limit cuts it or not.
    @Test func truncationIsNoEnd() throws {
        let network = table(states: 1, actions: 2)
        let learner = MDPOOff(discount: 0.8, temperature: 0.3, divergence: 0, tau: 0.2).start(network)
        let builder = RolloutBuilder(observation: .box(shape: [1]), action: .discrete(2), steps: 10, slots: 1)
        for t in 0...10 { builder.observation(t, as: Float.self)[0] = 1 }
        for t in 0..<10 {
            builder.action(t, as: Int32.self)[0] = Int32(t % 2)
            (builder.behaviourLogProb(t)[0], builder.reward(t)[0]) = (-0.7, 1)
            (builder.terminated(t)[0], builder.truncated(t)[0]) = (0, t == 9 ? 1 : 0)
        }
        [Float(1)].withUnsafeBytes { builder.appendEnded(step: 9, slot: 0, finalObservation: $0, episodeReturn: 10, length: 10) }
        let data = batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)])
        var last: Float = 0
        for version in 0..<800 {
            let report = try learner.update(data, at: Moment(version: UInt64(version), learningRate: 0.02))
            last = report.metrics.first { $0.name == "q_mean" }!.value
        }
        #expect(abs(Double(last) - (1 + 0.8 * 0.3 * logOf(2)) / 0.2) < 0.05, "\(last)")
    }

    @Test func survivesARestart() throws {
        var dice = Dice(state: 3)
        let network = TestSupport.network(observations: 3, actions: 3, hidden: [5])
        let batches = (0..<6).map { _ in randomBatch(steps: 4, slots: 3, observations: 3, actions: 3, terminated: [5], truncated: [7], &dice) }
        #expect(try survivesRestart(MDPOOff(anchorEvery: 2), network, batches, at: 3))
    }

    @Test func refusesWhatItCannotTrain() throws {
        var settings = NetworkSettings(hidden: [4])
        settings.memory = .gru
        let recurrent = try ActorCritic(observation: .box(shape: [2]), action: .discrete(2), settings)
        let continuous = try ActorCritic(observation: .box(shape: [2]), action: .box(shape: [1], low: -1, high: 1))
        for network in [recurrent, continuous] {
            #expect(throws: MethodError.self) { try MDPOOff().learner(LearnerSetting(network: network)) }
        }
    }
}
