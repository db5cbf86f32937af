import Acting
import Networks
import Platform
import Runs
import Wire

extension Training {
    /// Whether the run is over: solved, or at a limit. Solved means that the training return has reached the target and an evaluation of
    /// exactly this version confirms it.
    func judge(_ progress: inout TrainingProgress) throws -> Outcome? {
        if progress.mayBeSolved(frames: frames) {
            let result = try evaluate(&progress)
            progress.judged(frames: frames)
            if result.meanReturn >= spec.stop.return ?? .infinity { return Outcome(solved: true, reason: "solved") }
        }
        if frames >= UInt64(spec.stop.frames) { return Outcome(solved: false, reason: "\(spec.stop.frames) frames are done") }
        if progress.seconds(now: .now) >= spec.stop.seconds { return Outcome(solved: false, reason: "\(spec.stop.seconds) s are over") }
        return nil
    }

    /// Plays fresh episodes with the current version. Start states depend on seed and version alone.
    @discardableResult
    func evaluate(_ progress: inout TrainingProgress) throws -> EvaluationResult {
        let entry = WaitRegister.Entry(
            thread: "training", resource: "evaluation", holder: "environment",
            detail: "\(spec.stop.evaluationEpisodes) episodes of \(spec.environment.id) with version \(version)")
        let result = try waiting(entry) {
            try evaluation()
        }
        progress.evaluated(result, version: version)
        return result
    }
}

extension Trainer {
    package func evaluation() throws -> EvaluationResult {
        try Evaluation(episodes: spec.stop.evaluationEpisodes, seed: spec.seed)
            .run(environment, network: network, parameters: weights.parameters(), round: UInt32(truncatingIfNeeded: version))
    }
}
