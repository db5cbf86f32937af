import Environments
import Networks
import Platform
import Tensors

/// What a policy earned in episodes that it was not trained on.
public struct EvaluationResult: Sendable, Equatable {
    public var returns: [Float]
    public var lengths: [Int32]

    public var meanReturn: Double { returns.isEmpty ? .nan : returns.reduce(0) { $0 + Double($1) } / Double(returns.count) }
    public var standardDeviation: Double {
        let mean = meanReturn
        return returns.isEmpty ? .nan : (returns.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(returns.count)).squareRoot()
    }
}

/// Plays whole episodes with one immutable snapshot of weights.
public struct Evaluation {
    public var environment: String
    public var episodes: Int
    public var seed: UInt64
    /// Sample actions from the policy instead of taking the most probable one.
    public var sampled: Bool
    public var catalogue: EnvironmentCatalogue

    public init(environment: String, episodes: Int, seed: UInt64, sampled: Bool = false, catalogue: EnvironmentCatalogue = .standard) {
        self.environment = environment
        self.episodes = episodes
        self.seed = seed
        self.sampled = sampled
        self.catalogue = catalogue
    }

    /// The first episode of each of `episodes` slots: counting whatever ends first would favour short episodes.
    ///
    /// - Parameter round: distinguishes evaluations of one run, so that no two see the same start states.
    public func run(network: ActorCritic, parameters: Parameters, round: UInt32 = 0) throws -> EvaluationResult {
        let key = RandomKey(seed: seed, purpose: .evaluation, incarnation: round)
        let slots = try catalogue.make(id: environment, slots: episodes, key: key)
        let row = StepBuffers(slots: episodes, observationCount: network.observationCount)
        var result = EvaluationResult(returns: [Float](repeating: 0, count: episodes), lengths: [Int32](repeating: 0, count: episodes))
        var remaining = episodes
        var step: UInt64 = 0
        slots.reset(observation: row.observation)
        while remaining > 0 {
            let input = Tensor([episodes, network.observationCount]) { _ = $0.update(fromContentsOf: row.observation) }
            let logits = network(input, parameters).logits
            if sampled {
                key.uniforms(step: step, into: row.uniform)
                Categorical.sample(logits: logits, uniforms: UnsafeBufferPointer(row.uniform), actions: row.action, logProbs: row.logProb)
            } else {
                _ = row.action.update(fromContentsOf: Categorical(logits: logits).mode())
            }
            slots.step(
                actions: UnsafeBufferPointer(row.action), observation: row.observation, reward: row.reward, terminated: row.terminated,
                truncated: row.truncated
            ) { episode in
                guard result.lengths[episode.slot] == 0 else { return }
                result.returns[episode.slot] = episode.episodeReturn
                result.lengths[episode.slot] = episode.length
                remaining -= 1
            }
            step += 1
        }
        return result
    }
}
