import Acting
import Environments
import Methods
import Networks
import Platform
import Rollouts
import Runs
import Tensors

/// Supervised training of a token policy on its environment's demonstrations: −log π of every token, a mean over the tokens of a batch.
///
/// A function of the seed: two runs of one description begin with the same weights.
struct Warmup {
    let spec: RunSpec
    let environment: any TokenEnvironment
    let transformer: Transformer
    /// Between two looks at how often drawn responses are correct.
    private static let interval = 25

    /// - Parameter report: called at the beginning, now and then, and at the end.
    /// - Returns: how it ended.
    func run(_ weights: Weights, _ report: (WarmupProgress) throws -> Void) throws -> WarmupProgress {
        let descent = Descent(weights, OptimizerSettings(.adam, clipNorm: 1))
        let key = RandomKey(seed: spec.seed, purpose: .weights)
        var losses: [Float] = []
        func look(_ updates: Int, round: UInt32) throws -> WarmupProgress {
            let progress = WarmupProgress(
                updates: updates, limit: spec.warmup.updates, loss: losses.isEmpty ? nil : Double(losses.reduce(0, +)) / Double(losses.count),
                accuracy: try accuracy(weights, round: round), target: spec.warmup.accuracy)
            losses = []
            try report(progress)
            return progress
        }
        for update in 0..<spec.warmup.updates {
            if update % Self.interval == 0 {
                let progress = try look(update, round: UInt32(update))
                if progress.accuracy >= progress.target { return progress }
            }
            losses.append(try step(descent, update: update, key))
        }
        return try look(spec.warmup.updates, round: .max)
    }

    /// - Returns: the loss.
    private func step(_ descent: Descent, update: Int, _ key: RandomKey) throws -> Float {
        var stream = key.stream(slot: 0, episode: UInt64(update))
        let longest = try spec.sampling.longestResponse
        let groups = try (0..<spec.warmup.batch).map { _ -> TokenGroup in
            let task = environment.task(UInt32(stream.next() % UInt64(environment.taskCount)))
            guard let tokens = environment.demonstration(task, choice: UInt32(truncatingIfNeeded: stream.next())) else {
                throw TokenTaskError(
                    problem: "\(spec.environment.id) has no demonstrations", place: "warmup.updates",
                    remedy: "Set warmup.updates to 0, or choose an environment that shows how its tasks are solved.")
            }
            return TokenGroup(prompt: task.prompt, responses: [Array(tokens.prefix(longest))])
        }
        let batches = TokenBatch.micro(groups, rows: Transformer.microBatchRows)
        let count = groups.reduce(0) { $0 + $1.responseCount }
        let weights = descent.weights
        weights.zeroGradient()
        let loss = transformer.accumulateGradient(batches, weights) { output, _ in sum(output.logProb) * (-1 / Float(count)) }
        return try descent.step(learningRate: Float(spec.warmup.learningRate), loss: Float(loss)).loss
    }

    private func accuracy(_ weights: Weights, round: UInt32) throws -> Double {
        try ResponseEvaluation(tasks: 256, samples: 1, seed: spec.seed ^ 0x5745_4c4c)
            .run(spec.environment.settings, spec.tokenAssignment!, weights: weights, round: round).passRate(at: 1)
    }
}
