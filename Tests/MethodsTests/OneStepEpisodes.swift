import Methods
import Networks
import Rollouts
import TestSupport
import Tensors

/// A batch of episodes of one step, side by side: what a bandit with contexts gives.
func oneStepEpisodes(observations: [[Float]], actions: [Int32], rewards: [Float], logProbs: [Float]) -> RolloutBatch {
    let (slots, width) = (actions.count, observations[0].count)
    let builder = RolloutBuilder(observation: .box(shape: [width]), action: .discrete(2), steps: 1, slots: slots)
    for slot in 0..<slots {
        for k in 0..<width {
            for t in 0...1 { builder.observation(t, as: Float.self)[slot * width + k] = observations[slot][k] }
        }
        builder.action(0, as: Int32.self)[slot] = actions[slot]
        (builder.behaviourLogProb(0)[slot], builder.reward(0)[slot]) = (logProbs[slot], rewards[slot])
        (builder.terminated(0)[slot], builder.truncated(0)[slot]) = (1, 0)
        observations[slot].withUnsafeBytes {
            builder.appendEnded(step: 0, slot: slot, finalObservation: $0, episodeReturn: rewards[slot], length: 1)
        }
    }
    return batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)])
}

/// Every action of every state once, with a reward of its own: under a uniform policy the batch's means are exact expectations.
func everyAction(_ rewards: [[Float]]) -> RolloutBatch {
    let (states, actions) = (rewards.count, rewards[0].count)
    let pairs = (0..<states).flatMap { s in (0..<actions).map { (s, $0) } }
    return oneStepEpisodes(
        observations: pairs.map { pair in (0..<states).map { $0 == pair.0 ? 1 : 0 } }, actions: pairs.map { Int32($0.1) },
        rewards: pairs.map { rewards[$0.0][$0.1] },
        logProbs: Array(repeating: -Float(logOf(Double(actions))), count: pairs.count))
}

/// A network without hidden layers: with one-hot observations, a table.
func table(states: Int, actions: Int) -> ActorCritic { TestSupport.network(observations: states, actions: actions, hidden: []) }

/// Makes all weights of a learner 0: a uniform policy whose values are 0.
func clear(_ learner: any Learner) {
    for weights in [learner.weights, learner.behaviour] { weights.flat.withMutableBuffer { $0.update(repeating: 0) } }
}

/// A random batch of actions in a box of two numbers, of observations of two.
func continuousBatch(steps: Int, slots: Int, reward: ClosedRange<Float> = -1...1, _ dice: inout Dice) -> RolloutBatch {
    let builder = RolloutBuilder(observation: .box(shape: [2]), action: .box(shape: [2], low: -1, high: 1), steps: steps, slots: slots)
    for t in 0...steps { for k in 0..<slots * 2 { builder.observation(t, as: Float.self)[k] = Float.random(in: -1...1, using: &dice) } }
    for t in 0..<steps {
        for k in 0..<slots * 2 { builder.action(t, as: Float.self)[k] = Float.random(in: -1.5...1.5, using: &dice) }
        for slot in 0..<slots {
            (builder.behaviourLogProb(t)[slot], builder.reward(t)[slot]) = (-2, Float.random(in: reward, using: &dice))
            (builder.terminated(t)[slot], builder.truncated(t)[slot]) = (0, 0)
        }
    }
    return batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)])
}

/// A normal policy for `continuousBatch`.
func normalPolicy(hidden: [Int]) throws -> ActorCritic {
    try ActorCritic(observation: .box(shape: [2]), action: .box(shape: [2], low: -1, high: 1), NetworkSettings(hidden: hidden))
}

extension PolicyNetwork {
    /// π(a | s) of the table at state s.
    func probabilities(_ state: Int, of states: Int, _ weights: Weights) -> [Double] {
        let row = Tensor((0..<states).map { $0 == state ? 1 : 0 }, [1, states])
        let output = self(Observations(row, observationSpace), weights.parameters(), unroll: nil)
        return Categorical(logits: output.policy).logProbabilities.values.map { expOf(Double($0)) }
    }
}

extension Algorithm {
    func start(_ network: any PolicyNetwork, optimizer: OptimizerSettings = OptimizerSettings(), seed: UInt64 = 1) -> any Learner {
        do { return try learner(LearnerSetting(network: network, optimizer: optimizer, seed: seed)) } catch { fatalError("\(error)") }
    }
}

/// Trains two learners on the same batches, the second restored from the state of the first in the middle, and compares all weights bit for
/// bit.
func survivesRestart(_ algorithm: any Algorithm, _ network: any PolicyNetwork, _ batches: [RolloutBatch], at middle: Int) throws -> Bool {
    let first = algorithm.start(network)
    var second: (any Learner)?
    for (index, batch) in batches.enumerated() {
        let moment = Moment(version: UInt64(index), learningRate: 0.01, progress: Double(index) / Double(batches.count))
        if index == middle {
            let restored = algorithm.start(network, seed: 1)
            first.weights.flat.withBuffer { from in restored.weights.flat.withMutableBuffer { _ = $0.update(fromContentsOf: from) } }
            try restored.restore(first.state)
            second = restored
        }
        _ = try first.update(batch, at: moment)
        _ = try second?.update(batch, at: moment)
    }
    func bits(_ weights: Weights) -> [UInt32] { weights.flat.values.map(\.bitPattern) }
    return bits(first.weights) == bits(second!.weights) && bits(first.behaviour) == bits(second!.behaviour)
        && bits(first.weights) != bits(algorithm.start(network).weights)
}
