import Environments
import Networks
import Platform
import Tensors

/// What a policy earned in episodes that it was not trained on.
public struct EvaluationResult: Sendable, Equatable {
    public var returns: [Float]
    public var lengths: [Int32]

    public init(returns: [Float], lengths: [Int32]) {
        self.returns = returns
        self.lengths = lengths
    }

    public var meanReturn: Double { returns.isEmpty ? .nan : returns.reduce(0) { $0 + Double($1) } / Double(returns.count) }
    public var standardDeviation: Double {
        let mean = meanReturn
        guard !returns.isEmpty else { return .nan }
        return (returns.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(returns.count)).squareRoot()
    }
}

/// Plays whole episodes with one immutable snapshot of weights.
public struct Evaluation {
    public var episodes: Int
    public var seed: UInt64
    /// Sample actions from the policy instead of taking the most probable one.
    public var sampled: Bool

    public init(episodes: Int, seed: UInt64, sampled: Bool = false) {
        self.episodes = episodes
        self.seed = seed
        self.sampled = sampled
    }

    /// The first episode of each of `episodes` slots: counting whatever ends first would favour short episodes.
    ///
    /// - Parameter round: distinguishes evaluations of one run, so that no two see the same start states.
    public func run(
        _ environment: ResolvedEnvironment, network: any PolicyNetwork, parameters: Parameters, round: UInt32 = 0
    ) throws -> EvaluationResult {
        let key = RandomKey(seed: seed, purpose: .evaluation, incarnation: round)
        let slots = try environment.make(slots: episodes, key: key)
        let buffers = StepBuffers(slots)
        let policy = Policy(network, slots: episodes)
        var result = EvaluationResult(returns: [Float](repeating: 0, count: episodes), lengths: [Int32](repeating: 0, count: episodes))
        var remaining = episodes
        var step: UInt64 = 0
        try slots.reset(observation: buffers.observation)
        while remaining > 0 {
            policy.act(
                buffers.observation, parameters, sampled ? .sampled(key) : .mostProbable, step: step, actions: buffers.action,
                logProbs: buffers.logProb)
            network.distribution.bound(buffers.action)
            try slots.step(buffers.row) { episode in
                guard result.lengths[episode.slot] == 0 else { return }
                result.returns[episode.slot] = episode.episodeReturn
                result.lengths[episode.slot] = episode.length
                remaining -= 1
            }
            policy.forget(buffers.terminated, buffers.truncated)
            step += 1
        }
        return result
    }
}
