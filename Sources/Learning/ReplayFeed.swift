import Environments
import Methods
import Networks
import Platform
import Rollouts
import Runs
import Tensors

/// What a trainer keeps of the rollouts that arrived, and what it draws of it for each update.
package final class ReplayFeed {
    package let plan: ReplayPlan
    package private(set) var buffer: ReplayBuffer
    private let dataset: ReplayBuffer?
    /// Of each batch: what comes from the buffer and what from the dataset.
    private var mixture: Mixture
    /// The steps of a sequence as it is drawn.
    private let window: Int

    /// - Parameter folder: where a buffer on the disk puts its files.
    package init(_ data: DataPlan, _ plan: ReplayPlan, of algorithm: any Algorithm, _ spec: RunSpec, shape: RolloutShape, folder: String) throws {
        var plan = plan
        if case .onPolicy(let bound) = algorithm.staleness {
            // The method's bound on the age of data holds for what is replayed, counted from its arrival; learner.max_lag is about the arrival.
            guard bound > 0 else { throw ReplayPlanError.noOldData }
            let perUpdate = spec.learner.rolloutsPerUpdate * shape.maximumSlots * shape.steps
            plan.capacitySteps = min(plan.capacitySteps, bound.multipliedReportingOverflow(by: perUpdate).overflow ? .max : bound * perUpdate)
        }
        self.plan = plan
        let settings = try Self.settings(plan, spec, shape: shape, folder: folder)
        if spec.replay.storage == .disk { try Files.createDirectory(folder) }
        buffer = try ReplayBuffer(settings, shape: shape)
        dataset = spec.replay.dataset.isEmpty ? nil : try ReplayStore(spec.replay.dataset).dataset(settings, shape: shape)
        let share = spec.replay.datasetShare
        mixture = try Mixture([(.replay, 1 - share), (.dataset, share)], batch: plan.sequences)
        window = plan.steps == 0 ? buffer.sequenceSteps : plan.steps
        try check(data, algorithm, shape)
    }

    /// Refuses at the start what could not be drawn, or would be drawn in vain.
    private func check(_ data: DataPlan, _ algorithm: any Algorithm, _ shape: RolloutShape) throws {
        func refuse(_ holds: Bool, _ problem: String, _ remedy: String) throws {
            guard holds else { throw ReplayPlanError(problem: problem, remedy: remedy) }
        }
        if plan.besideLive {
            try refuse(
                data.trainsOnLive, "replayed sequences beside live rollouts, which the method does not train on",
                "Set replay.beside_live to false.")
            try refuse(
                window == shape.steps && plan.burnIn == 0, "sequences of \(window) steps beside live rollouts of \(shape.steps)",
                "Leave replay.steps, replay.overlap and replay.burn_in at 0 with replay.beside_live.")
            try refuse(dataset == nil, "a dataset beside live rollouts", "Set replay.beside_live to false.")
        }
        try refuse(
            shape.stateCount == 0 || window == buffer.sequenceSteps,
            "windows of \(window) of \(buffer.sequenceSteps) steps for a network with memory, whose state is known only where a sequence begins",
            "Set replay.steps to 0.")
        try refuse(
            plan.burnIn == 0 || algorithm.usesBurnIn, "a burn-in of \(plan.burnIn) steps, which the method would train on",
            "Set replay.burn_in to 0, or use r2d2.")
        try refuse(
            plan.selector != .prioritized || algorithm.givesPriorities, "prioritised replay with a method that gives no priorities",
            "Set replay.selector to uniform or fifo.")
        try refuse(
            dataset?.canSample(plan.sequences) ?? true, "the dataset holds \(dataset?.count ?? 0) sequences, a batch has \(plan.sequences)",
            "Lower replay.sequences, or set replay.selector to uniform.")
    }

    /// The buffer's settings for a run.
    package static func settings(_ plan: ReplayPlan, _ spec: RunSpec, shape: RolloutShape, folder: String) throws -> ReplaySettings {
        let overlap = min(plan.overlap, shape.steps)
        let stored = shape.steps + overlap
        let trained = (plan.steps == 0 ? stored : plan.steps) - plan.burnIn
        guard trained > 0, plan.steps <= stored else {
            throw ReplayPlanError(
                problem: "sequences of \(stored) steps are drawn in windows of \(plan.steps) with a burn-in of \(plan.burnIn)",
                remedy: "replay.steps may be at most actors.unroll + replay.overlap, and replay.burn_in must be less.")
        }
        // The plan counts steps, the limiter sequences: each sequence that arrives brings shape.steps new steps.
        let samplesPerInsert = plan.ratio * Double(shape.steps) / Double(trained)
        let minimumSize = max((plan.minimumSteps - 1) / shape.steps + 1, 1)
        let offset = samplesPerInsert * Double(minimumSize)
        return ReplaySettings(
            capacityBytes: plan.capacityBytes, maximumSequences: max(plan.capacitySteps / shape.steps, 1), sequenceOverlap: overlap,
            selector: plan.bufferSelector,
            // Samples are drawn as soon as they may be, so inserts never wait for them.
            limiter: try RateLimiter(
                samplesPerInsert: samplesPerInsert, minimumSize: minimumSize, minimumDifference: offset - Double(plan.sequences),
                maximumDifference: .greatestFiniteMagnitude),
            maximumTimesSampled: plan.maximumTimesSampled == 0 ? nil : plan.maximumTimesSampled, samplesAtOnce: plan.sequences,
            storage: spec.replay.storage == .disk ? .disk(directory: folder) : .memory, seed: spec.seed)
    }

    /// Goes on with the buffer of a checkpoint, under this run's settings.
    package func restore(_ manifest: ReplayManifest, from store: ReplayStore, drawn: [Int]) throws {
        buffer = try store.restore(manifest, buffer.settings, shape: buffer.shape)
        guard drawn.count == mixture.counts.count else { return }
        mixture = try Mixture(Array(zip(mixture.sources, mixture.shares)), batch: plan.sequences, counts: drawn)
    }

    /// What the buffer and the dataset have given so far.
    package var drawn: [Int] { mixture.counts }

    /// How much the buffer holds, in words.
    package var announcement: String { buffer.capacity.description }

    package func insert(_ rollouts: [Rollout]) throws {
        for rollout in rollouts { try buffer.insert(rollout, source: .replay) }
    }

    /// The next batch to train on; nil when samples have to wait for inserts.
    ///
    /// - Parameter progress: how much of the run is done: β grows with it.
    package func next(progress: Double) throws -> RolloutBatch? {
        guard buffer.canSample(plan.sequences) else { return nil }
        return try draw(mixture.next(), progress)
    }

    /// `count` sequences to stand beside live rollouts; nil when there are not enough yet.
    package func beside(_ count: Int, progress: Double) throws -> RolloutBatch? {
        guard count > 0, buffer.canSample(count) else { return nil }
        return try draw([(.replay, count)], progress)
    }

    private func draw(_ counts: [(source: DataSource, count: Int)], _ progress: Double) throws -> RolloutBatch {
        let beta = plan.importanceExponent + (1 - plan.importanceExponent) * progress
        let batches = try counts.filter { $0.count > 0 }.map { source, count in
            if source == .dataset { buffer.countSamples(count) }
            return try (source == .dataset ? dataset! : buffer).sample(count, steps: window, burnIn: plan.burnIn, beta: beta).batch
        }
        return batches.count == 1 ? batches[0] : try RolloutBatch(concatenating: batches)
    }

    /// Says how much there is to learn from the sequences of a batch.
    package func prioritize(_ batch: RolloutBatch, _ priorities: [Float]) throws {
        guard !priorities.isEmpty, !batch.keys.isEmpty else { return }
        let own = batch.parts.filter { $0.source == .replay }.flatMap(\.slots)
        try buffer.updatePriorities(keys: own.map { batch.keys[$0] }, priorities: own.map { priorities[$0] })
    }

    /// What samples wait for; nil when they do not.
    package var blocked: String? { buffer.limiter.blocked(sampling: plan.sequences)?.description }

    package var metrics: [Metric] {
        [
            ("replay_sequences", Float(buffer.count)),
            ("replay_samples_per_insert", Float(buffer.limiter.counters.samples) / Float(max(buffer.limiter.counters.inserts, 1))),
        ]
    }
}

/// A plan of replay that contradicts itself.
package struct ReplayPlanError: Remediable, Equatable {
    package let problem: String
    package var place: String { "the section replay" }
    package let remedy: String

    static let noOldData = ReplayPlanError(
        problem: "a replay for a method that takes no old data", remedy: "Set replay.ratio to 0.")
}

extension ReplayPlan {
    fileprivate var bufferSelector: ReplaySelector {
        switch selector {
        case .fifo: .fifo
        case .uniform: .uniform
        case .prioritized: .prioritized(alpha: priorityExponent)
        }
    }
}
