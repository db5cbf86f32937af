import Acting
import Environments
import Networks
import Runs

/// A token policy out of a run's checkpoint, ready to respond.
public struct SavedTokenPolicy {
    public let spec: RunSpec
    public let version: UInt64
    public let environment: any TokenEnvironment
    public let weights: Weights

    /// - Throws: as `SavedPolicy`.
    public init(_ directory: RunDirectory, _ choice: SavedPolicy.Choice) throws {
        spec = try directory.loadSpec()
        let (version, checkpoint, path) = try SavedPolicy.checkpoint(of: directory, choice)
        self.version = version
        environment = try spec.tokenEnvironment
        weights = Weights(try Transformer(spec.transformer).layout)
        try weights.load(checkpoint.weights, place: path)
    }

    /// Responds to tasks that were held out from training, with draws that no evaluation of the run itself has made.
    ///
    /// - Parameters:
    ///   - samples: responses to each task; nil: as the run says.
    ///   - greedy: one response of the most probable tokens to each task.
    public func evaluate(tasks: Int, samples: Int? = nil, seed: UInt64? = nil, greedy: Bool = false) throws -> ResponseEvaluationResult {
        try ResponseEvaluation(tasks: tasks, samples: samples ?? spec.tokens.samples, seed: seed ?? spec.seed)
            .run(spec.environment.settings, spec.tokenAssignment!, weights: weights, round: .max, greedy: greedy)
    }
}
