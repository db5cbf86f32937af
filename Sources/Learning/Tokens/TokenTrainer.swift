import Acting
import Environments
import Methods
import Networks
import Platform
import Rollouts
import Runs
import Tensors

/// The arithmetic of a run with a token policy: groups of responses in, new weights out.
package final class TokenTrainer: Training {
    package let spec: RunSpec
    package let shape: RolloutShape
    package let transformer: Transformer
    private let environment: any TokenEnvironment
    private let assignment: TokenAssignment
    private let learner: TokenLearner
    private let staleness: Staleness
    private var rates: TaskRates
    private let method: TokenMethod
    /// Responses that were stored before the run began.
    private var stored = StoredResponses()
    /// Correct responses that come back.
    private var kept: KeptSuccesses
    private let transcripts: String?

    package private(set) var version: UInt64 = 0
    /// Drawn tokens that were trained on.
    package private(set) var frames: UInt64 = 0
    package private(set) var maxLag = 0

    package var weights: Weights { learner.weights }
    package var layout: ParameterLayout { transformer.layout }
    package var guidance: Int { assignment.guidance }

    package init(_ spec: RunSpec, directory: RunDirectory? = nil) throws {
        self.spec = spec
        environment = try spec.tokenEnvironment
        assignment = try spec.tokenAssignment!
        kept = KeptSuccesses(assignment.plan)
        transformer = try Transformer(spec.transformer)
        try spec.checkRoom(for: environment)
        method = try spec.tokenMethod
        learner = try TokenLearner(
            method, transformer, from: transformer.initialWeights(seed: spec.seed), optimizer: spec.optimizer.settings,
            temperature: Float(spec.tokens.temperature), topP: Float(spec.tokens.topP), seed: spec.seed)
        staleness = method.staleness
        shape = RolloutShape(
            responses: ResponseShape(
                vocabulary: environment.vocabulary.count, context: transformer.settings.context, tasks: environment.taskCount,
                rewards: 1 + environment.rewardNames.count))
        rates = TaskRates(environment, spec.tokens.curriculum)
        transcripts = directory.map { "\($0.path)/transcripts" }
        bound(maxLag: spec.learner.maxLag)
    }

    package func bound(maxLag: Int) {
        self.maxLag =
            switch staleness {
            case .onPolicy(let bound): min(bound, maxLag)
            case .any, .anchored: maxLag
            }
    }

    package func begin(_ report: (Beginning) throws -> Void) throws {
        if spec.warmup.updates > 0 {
            let warmup = Warmup(spec: spec, environment: environment, transformer: transformer)
            let end = try warmup.run(learner.weights) { try report(.warmup($0)) }
            learner.setReference()
            try report(.note("the warm-up ended after \(end.updates) updates with \(Format.share(end.accuracy)) of the responses correct"))
        }
        if assignment.plan.storedAttempts > 0 {
            stored = try StoredResponses(spec, assignment, learner.weights, tasks: environment.taskCount)
            try report(.note("\(stored.count) of \(environment.taskCount) tasks are solved every time: one response to each is stored"))
        }
    }

    package func update(_ rollouts: [Rollout]) throws -> UpdateReport {
        var groups = rollouts.flatMap(\.groups)
        groups += stored.draw(beside: groups.count, share: assignment.plan.storedShare, seed: spec.seed, version: version)
        let (hinted, unaided) = (groups.count(where: \.isHinted), unaided(groups))
        let tooOld = sweep(&groups)
        let drawn = groups
        let lags = kept.giveBack(into: &groups, seed: spec.seed, version: version)
        let progress = min(Double(frames) / Double(spec.stop.frames), 1)
        let rate = spec.optimizer.stepSize(version: version, progress: progress)
        let report: LearnerReport
        let moment = Moment(version: version, learningRate: rate, progress: progress)
        switch Result(catching: { () throws(NonFiniteGradient) in try learner.update(groups, at: moment) }) {
        case .success(let done): report = done
        case .failure(let error): throw NonFiniteUpdate(tensor: error.tensor, version: version, rollouts: rollouts.map(\.id))
        }
        rates.count(unaided)
        version += 1
        kept.keep(drawn, version: version)
        let tokens = rollouts.reduce(0) { $0 + $1.frames }
        frames += UInt64(tokens)
        let judged = unaided.flatMap(\.responses).filter(\.isFresh)
        // Without those that dynamic sampling left out, a policy that is right most of the time would seem to be right half of the time.
        let episodes = unaided.flatMap { $0.leftOut.episodes + $0.responses.filter(\.isFresh).map { (isCorrect: $0.isCorrect, length: $0.tokens.count) } }
        let unverified = drawn.flatMap(\.responses).count { !$0.isBaseline && $0.source == .live && $0.end == .unverified }
        return UpdateReport(
            version: version, frames: tokens, loss: report.loss, gradientNorm: report.gradientNorm, learningRate: rate,
            metrics: report.metrics + [("tokens_too_old", Float(tooOld)), ("responses", Float(judged.count))]
                + [("responses_unverified", Float(unverified))] + Self.work(rollouts) + programs(hinted, of: groups.count, lags),
            episodeReturns: episodes.map { $0.isCorrect ? 1 : 0 }, episodeLengths: episodes.map { Int32($0.length) })
    }

    /// Decoding steps of the actors for these rollouts, and how busy their slots were.
    private static func work(_ rollouts: [Rollout]) -> [Metric] {
        let work = rollouts.reduce(DecodingWork()) { $0 + ($1.responses?.work ?? DecodingWork()) }
        return [("decoding_steps", Float(work.steps))] + (work.utilisation.map { [("slot_utilisation", Float($0))] } ?? [])
    }

    /// What rates and returns count: where a hint is given to failures alone, who needed it has not solved the task.
    private func unaided(_ groups: [ResponseGroup]) -> [ResponseGroup] {
        guard assignment.plan.hints.first == 0 else { return groups }
        return groups.map { group in
            guard group.isHinted else { return group }
            var group = group
            for member in group.responses.indices where group.responses[member].source == .live { group.responses[member].isCorrect = false }
            return group
        }
    }

    /// How often a hint was needed, and what came back.
    private func programs(_ hinted: Int, of groups: Int, _ lags: [UInt64]) -> [Metric] {
        var metrics: [Metric] = []
        if !assignment.plan.hints.isEmpty { metrics.append(("hinted_share", Float(hinted) / Float(max(groups, 1)))) }
        if assignment.plan.replayedSuccesses > 0 {
            metrics.append(("replayed_successes", Float(lags.count)))
            if !lags.isEmpty { metrics.append(("replayed_lag", Float(lags.reduce(0, +)) / Float(lags.count))) }
        }
        return metrics
    }

    /// Tokens that are older than allowed are in no loss: a rollout's version is its newest token's.
    private func sweep(_ groups: inout [ResponseGroup]) -> Int {
        var count = 0
        let oldest = version > UInt64(maxLag) ? version - UInt64(maxLag) : 0
        for group in groups.indices {
            for member in groups[group].responses.indices where groups[group].responses[member].source == .live {
                let (versions, roles) = (groups[group].responses[member].versions, groups[group].responses[member].roles)
                for token in versions.indices where versions[token] < oldest && (roles[token] == .policy || roles[token] == .control) {
                    groups[group].responses[member].roles[token] = .forced
                    count += 1
                }
            }
        }
        return count
    }

    package func published() -> SharedBytes {
        let guide = guide
        return learner.weights.flat.withBuffer { flat in
            guide.isEmpty
                ? SharedBytes(copying: UnsafeRawBufferPointer(flat)) : (Array(flat) + guide).withUnsafeBytes { SharedBytes(copying: $0) }
        }
    }

    /// What follows the parameters: the weights of levels or tasks, and how temperatures follow entropies.
    private var guide: [Float] {
        var guide = rates.weights
        if guide.isEmpty, assignment.sampling.tasks == .tasks {
            let known = learner.records
            guide = (0..<environment.taskCount).map { stored.has($0) ? 0 : method.taskWeight?($0, known) ?? 1 }
        }
        // Nothing is known of entropies before the first update: heights of 0 leave the temperature as it is.
        if assignment.plan.adaptiveTemperature > 0 {
            guide += method.adaptiveTemperature(learner.records).map { [$0.pivot, $0.above, $0.below] } ?? [0, 0, 0]
        }
        return guide
    }

    package func evaluation() throws -> EvaluationResult {
        let result = try ResponseEvaluation(tasks: spec.stop.evaluationEpisodes, samples: spec.tokens.samples, seed: spec.seed)
            .run(spec.environment.settings, assignment, weights: weights, round: UInt32(truncatingIfNeeded: version))
        if let transcripts { try Transcripts.write(result, environment, version: version, to: transcripts) }
        let responses = result.groups.flatMap(\.responses)
        return EvaluationResult(returns: responses.map { $0.isCorrect ? 1 : 0 }, lengths: responses.map { Int32($0.tokens.count) })
    }

    package func snapshot() -> (weights: [Column], optimizer: [Column], statistics: JSON, replay: ReplaySnapshot?) {
        (weights.columns, learner.state + stored.columns + kept.columns(version: version), .object([JSON.Member("task_rates", rates.json)]), nil)
    }

    package func restore(_ checkpoint: TrainingCheckpoint, replay store: ReplayStore?) throws {
        try weights.load(checkpoint.weights, place: "checkpoint \(checkpoint.version)")
        try learner.restore(checkpoint.optimizer)
        stored = try StoredResponses(columns: checkpoint.optimizer, version: checkpoint.version)
        try kept.restore(checkpoint.optimizer, version: checkpoint.version)
        try rates.restore(checkpoint.statistics["task_rates"], version: checkpoint.version)
        version = checkpoint.version
        frames = checkpoint.frames
    }
}

extension RunSpec {
    /// Whether the longest prompt leaves room for a response.
    fileprivate func checkRoom(for environment: any TokenEnvironment) throws {
        let context = try transformer.context
        guard environment.longestPrompt < context else {
            throw RunSpecError.outOfRange(
                key: "tokens.context", value: "\(context)",
                allowed: "more than \(environment.longestPrompt), the longest prompt of \(self.environment.id)", place: "the run's description")
        }
    }
}

extension Weights {
    /// Every parameter by its name, copied.
    var columns: [Column] {
        layout.specs.map { spec in
            Column(
                spec.name, .float32, spec.shape,
                flat.rows(spec.offset..<spec.offset + spec.count).withBuffer { SharedBytes(copying: UnsafeRawBufferPointer($0)) })
        }
    }
}
