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
        let (version, checkpoint, path) = try Self.checkpoint(of: directory, choice)
        self.version = version
        environment = try catalogue.resolve(spec.environment.settings)
        network = try environment.network(spec.networkSettings)
        weights = Weights(network.layout)
        try weights.load(checkpoint.weights, place: path)
    }

    static func checkpoint(of directory: RunDirectory, _ choice: Choice) throws -> (version: UInt64, TrainingCheckpoint, path: String) {
        let store = CheckpointStore(directory.checkpoints)
        guard let latest = try store.latest() else { throw CheckpointError.none(directory: directory.checkpoints) }
        let version: UInt64
        switch choice {
        case .latest: version = latest
        case .best:
            guard let best = try store.best() else { throw CheckpointError.noBest(directory: directory.checkpoints) }
            version = best
        case .version(let chosen): version = chosen
        }
        return (version, try TrainingCheckpoint(store.read(version)), store.path(of: version))
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
