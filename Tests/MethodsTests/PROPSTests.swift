import Methods
import Networks
import Rollouts
import TestSupport
import Tensors
import Testing

@Suite struct PROPSTests {
    private let network = TestSupport.network(observations: 3, actions: 3, hidden: [6])
    private func batches(_ count: Int, _ dice: inout Dice) -> [RolloutBatch] {
        (0..<count).map { _ in randomBatch(steps: 6, slots: 3, observations: 3, actions: 3, terminated: [4], truncated: [11], &dice) }
    }
    private func moment(_ version: Int) -> Moment { Moment(version: UInt64(version), learningRate: 0.01) }

    /// Without steps of the behaviour policy it is PPO on the collected batches, bit for bit.
    @Test func withoutBehaviourStepsItIsPPO() throws {
        var dice = Dice(state: 1)
        let data = batches(6, &dice)
        let learner = PROPS(target: .ppo(), behaviourRate: 0, collect: 2, rounds: 2).start(network)
        let ppo = Method.ppo().start(network)
        for (index, batch) in data.enumerated() {
            _ = try learner.update(batch, at: moment(index))
            if index % 2 == 1 {
                _ = try ppo.update(RolloutBatch(concatenating: Array(data[max(index - 3, 0)...index])), at: moment(index))
            }
            #expect(learner.weights.flat.values == ppo.weights.flat.values)
            #expect(learner.behaviour.flat.values == learner.weights.flat.values && learner.behaviour !== learner.weights)
        }
    }

    /// Actions that are over-represented become less likely than under the target policy, the others more; the target policy waits.
    @Test func movesTowardsWhatIsMissing() throws {
        let table = table(states: 1, actions: 3)
        let learner = PROPS(behaviourRate: 0.02, behaviourEpochs: 3, behaviourMinibatches: 1, behaviourTargetKL: nil, collect: 3).start(table)
        clear(learner)
        let report = try learner.update(
            oneStepEpisodes(
                observations: Array(repeating: [1], count: 6), actions: [0, 0, 0, 0, 1, 1], rewards: Array(repeating: 1, count: 6),
                logProbs: Array(repeating: -1.0986, count: 6)), at: moment(0))
        let behaviour = table.probabilities(0, of: 1, learner.behaviour)
        #expect(behaviour[0] < behaviour[1] && behaviour[1] < behaviour[2] && behaviour[2] > 0.35)
        #expect(table.probabilities(0, of: 1, learner.weights).allSatisfy { abs($0 - 1 / 3) < 1e-6 })
        #expect(report.metrics.contains { $0.name == "behaviour_kl" && $0.value > 0 })
    }

    /// What PROPS is for: with the target policy fixed, counts of actions stay within a few of n π, where on-policy acting strays by √n.
    @Test func countsFollowTheTargetPolicy() throws {
        let table = table(states: 1, actions: 4)
        let target = [0.4, 0.3, 0.2, 0.1]
        func error(_ rate: Float) throws -> Double {
            var total = 0.0
            for seed in 0..<4 {
                var dice = Dice(state: UInt64(100 + seed))
                let learner = PROPS(behaviourRate: rate, behaviourTargetKL: 0.05, collect: 1000).start(table)
                clear(learner)
                for weights in [learner.weights, learner.behaviour] {
                    weights.flat.withMutableBuffer { for a in 0..<4 { $0[a] = Float(logOf(target[a])) } }
                }
                var counts = [Double](repeating: 0, count: 4)
                for round in 0..<30 {
                    let probabilities = table.probabilities(0, of: 1, learner.behaviour)
                    let actions = (0..<8).map { _ -> Int32 in
                        var rest = Double.random(in: 0..<1, using: &dice)
                        for a in 0..<3 where rest >= 0 {
                            rest -= probabilities[a]
                            if rest < 0 { return Int32(a) }
                        }
                        return 3
                    }
                    for a in actions { counts[Int(a)] += 1 }
                    _ = try learner.update(
                        oneStepEpisodes(
                            observations: Array(repeating: [1], count: 8), actions: actions, rewards: Array(repeating: 0, count: 8),
                            logProbs: actions.map { Float(logOf(probabilities[Int($0)])) }), at: moment(round))
                }
                // Σ (count / n) log(count / n / π): how far the maximum-likelihood policy is from the target policy.
                for a in 0..<4 where counts[a] > 0 {
                    let share = counts[a] / 240
                    total += share * logOf(share / target[a])
                }
            }
            return total / 4
        }
        let (props, onPolicy) = (try error(0.02), try error(0))
        #expect(props < 0.5 * onPolicy, "\(props) against \(onPolicy)")
    }

    @Test func dataOfOldRoundsIsForgotten() throws {
        var dice = Dice(state: 2)
        let learner = PROPS(behaviourEpochs: 1, collect: 2, rounds: 2).start(network)
        let steps = try batches(6, &dice).enumerated().map { index, batch in
            try learner.update(batch, at: moment(index)).metrics.first { $0.name == "collected_steps" }!.value
        }
        #expect(steps == [18, 36, 54, 72, 54, 72])
    }

    @Test func survivesARestartInTheMiddleOfARound() throws {
        var dice = Dice(state: 3)
        let method = PROPS(target: .ppo(epochs: 2, minibatches: 2), behaviourRate: 0.01, behaviourEpochs: 2, collect: 3, rounds: 2)
        for middle in [2, 4, 6] { #expect(try survivesRestart(method, network, batches(8, &dice), at: middle)) }
        var settings = NetworkSettings(hidden: [6])
        (settings.memory, settings.memoryWidth) = (.gru, 5)
        let recurrent = try ActorCritic(observation: .box(shape: [3]), action: .discrete(2), settings)
        #expect(
            try survivesRestart(method, recurrent, (0..<8).map { _ in recurrentBatch(recurrent, steps: 6, slots: 3, ends: [7], &dice) }, at: 4))
    }

    @Test func aBadBatchChangesNothing() throws {
        var dice = Dice(state: 4)
        let learner = PROPS(behaviourRate: 0.01, collect: 2).start(network)
        var data = batches(3, &dice)
        _ = try learner.update(data[0], at: moment(0))
        let before = (learner.weights.flat.values, learner.behaviour.flat.values, learner.state.map { $0.bytes.array(of: UInt8.self) })
        data[1].reward = Tensor([Float](repeating: .nan, count: 18), [6, 3])
        #expect(throws: NonFiniteGradient.self) { try learner.update(data[1], at: moment(1)) }
        #expect(learner.weights.flat.values == before.0 && learner.behaviour.flat.values == before.1)
        #expect(learner.state.map { $0.bytes.array(of: UInt8.self) } == before.2)
        _ = try learner.update(data[2], at: moment(1))
        #expect(learner.weights.flat.values != before.0)
    }
}
