import Acting
import Environments
import Networks
import Runs
import Workers

/// A policy out of a run's checkpoint, ready to act.
public struct SavedPolicy {
    public enum Choice: Sendable, Equatable {
        case latest
        /// The one with the highest evaluation return.
        case best
        case version(UInt64)
    }

    public let spec: RunSpec
    public let version: UInt64
    public let environment: ResolvedEnvironment
    public let network: any PolicyNetwork
    public let weights: Weights

    /// - Throws: `CheckpointError` when there is no such checkpoint or a file of it is damaged, and the errors of the run's description.
    public init(_ directory: RunDirectory, _ choice: Choice, catalogue: EnvironmentCatalogue = .current) throws {
        spec = try directory.loadSpec()
        let store = CheckpointStore(directory.checkpoints)
        guard let latest = try store.latest() else { throw CheckpointError.none(directory: directory.checkpoints) }
        switch choice {
        case .latest: version = latest
        case .best:
            guard let best = try store.best() else { throw CheckpointError.noBest(directory: directory.checkpoints) }
            version = best
        case .version(let version): self.version = version
        }
        let checkpoint = try TrainingCheckpoint(store.read(version))
        environment = try catalogue.resolve(spec.environment.settings)
        network = try environment.network(spec.networkSettings)
        weights = Weights(network.layout)
        try weights.load(checkpoint.weights, place: store.path(of: version))
    }

    /// Plays whole episodes whose start states no evaluation of the run itself has seen.
    ///
    /// - Parameters:
    ///   - seed: by default the run's.
    ///   - sampled: sample actions instead of taking the most probable one.
    public func evaluate(episodes: Int, seed: UInt64? = nil, sampled: Bool = false) throws -> EvaluationResult {
        // The run counts its evaluations from 0.
        try Evaluation(episodes: episodes, seed: seed ?? spec.seed, sampled: sampled)
            .run(environment, network: network, parameters: weights.parameters(), round: .max)
    }
}
