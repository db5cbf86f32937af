import Acting
import Environments
import Networks
import Platform
import Rollouts
import Runs
import Tensors
import Wire
import Workers

/// Acting and learning in turns, in one process and one thread: the reference that the distributed run is measured against.
///
/// The same sampler and trainer as in the distributed roles, without sockets. Two runs with one seed are equal bit for bit, and a
/// distributed run with one actor that is held at `learner.max_lag: 0` makes the same weights.
public struct LockstepRun {
    private let spec: RunSpec
    private let directory: RunDirectory
    private let signals: Signals
    private let lock: RunLock
    private let trainer: any Training
    private let samplers: [any RolloutSource]
    private let store: CheckpointStore
    private let replays: ReplayStore?
    private let metrics: MetricsWriter
    private var progress: TrainingProgress
    private var signalCount: Int
    private var endedBeforeTraining = false
    private let lag: LagInjection
    /// How it went; nil when nobody asked.
    public private(set) var curve: RunCurve?

    /// Begins at the latest checkpoint, if there is one. The environments start anew then: only an unbroken run is bit-equal to another.
    ///
    /// - Parameters:
    ///   - lag: how old the policies that act are.
    ///   - curve: an empty one, to be filled; nil: what the clock says when to record is enough.
    ///   - report: takes the records of what comes before the first update.
    public init(
        _ spec: RunSpec, directory: RunDirectory, signals: Signals = .none, lag: LagInjection = .none, curve: RunCurve? = nil,
        catalogue: EnvironmentCatalogue = .current, report: (Record) -> Void = { _ in }
    ) throws {
        self.spec = spec
        self.lag = lag
        self.curve = curve
        self.directory = directory
        self.signals = signals
        lock = try RunLock(directory)
        setBLASThreads(1)
        trainer = try spec.training(catalogue: catalogue, directory: directory)
        replays = trainer.keepsReplay ? try ReplayStore(writingTo: directory.replay) : nil
        store = try CheckpointStore(writingTo: directory.checkpoints)
        metrics = try MetricsWriter(directory.metrics)
        var (state, sequence, signalsSeen) = (TrainingState(), UInt64(0), 0)
        if let (newest, _) = try store.readNewestValid() {
            let checkpoint = try TrainingCheckpoint(newest)
            try trainer.restore(checkpoint, replay: replays)
            state = checkpoint.state
        } else {
            let metrics = metrics
            do {
                try trainer.begin { beginning in
                    guard case .warmup(let progress) = beginning else { return }
                    sequence += 1
                    let record = Record(sequence: sequence, progress)
                    try metrics.append(MetricsRecord(record))
                    report(record)
                    if signals.received(before: &signalsSeen) { throw EndedBeforeTraining(ending: .interrupted) }
                }
            } catch is EndedBeforeTraining {
                endedBeforeTraining = true
            }
        }
        let assignment = try ActorAssignment(spec)
        let incarnation = UInt32(truncatingIfNeeded: trainer.version)
        samplers = try (0..<max(spec.actors.count, 1)).map {
            try assignment.source(
                place: MemberPlace(rank: UInt32($0), incarnation: incarnation), credits: spec.learner.rolloutsPerUpdate, catalogue: catalogue)
        }
        progress = TrainingProgress(spec: spec, state: state, trainer: trainer, sequence: sequence, now: .now)
        signalCount = signalsSeen
    }

    /// Runs to the end.
    ///
    /// - Returns: whether a signal ended it.
    public mutating func run(_ report: (Record) -> Void) throws -> Bool {
        if endedBeforeTraining { return true }
        var interrupted = false
        var outcome: Outcome?
        // The newest policies, oldest first: what acts is among them.
        var published: [(version: UInt64, parameters: SharedBytes)] = []
        while outcome == nil {
            if published.count > lag.maximum { published.removeFirst() }
            published.append((trainer.version, trainer.published()))
            let rollouts = try (0..<spec.learner.rolloutsPerUpdate).map { index -> Rollout in
                let sampler = samplers[index % samplers.count]
                let age = lag.age(seed: spec.seed, version: trainer.version, rollout: index)
                let acting = published[max(published.count - 1 - age, 0)]
                acting.parameters.withBytes { sampler.load($0, version: acting.version, life: 0) }
                return try sampler.collect()
            }
            let version = trainer.version
            let update = try trainer.update(rollouts.sorted { $0.id < $1.id })
            progress.trained(update, lags: rollouts.map { (version - $0.version, 0) })
            measure(update, lags: rollouts.map { version - $0.version })
            if signals.received(before: &signalCount) {
                interrupted = true
                outcome = Outcome(solved: false, reason: "interrupted")
            } else if curve?.isOver == true {
                outcome = Outcome(solved: false, reason: "the training return is at its target")
            } else {
                outcome = try trainer.judge(&progress)
            }
            if progress.recordIsDue(now: .now), outcome == nil { try keep(progress.record(trainer, shares: [], outcome: nil), report) }
        }
        curve?.ended(frames: trainer.frames, episodes: progress.episodes)
        if progress.evaluatedVersion != trainer.version, spec.stop.evaluationEpisodes > 0 { try trainer.evaluate(&progress) }
        let checkpoint = TrainingCheckpoint(trainer, state: progress.stateNow(.now))
        try checkpoint.write(to: store, replays: replays)
        let last = progress.record(trainer, shares: [], outcome: outcome)
        try keep(last, report)
        try RunResult(
            solved: outcome!.solved, reason: outcome!.reason, version: trainer.version, frames: trainer.frames,
            trainingReturn: last["training_return"], evaluationReturn: last["evaluation_return"]
        ).write(to: directory)
        return interrupted
    }

    private mutating func measure(_ update: UpdateReport, lags: [UInt64]) {
        guard curve != nil else { return }
        let lag = Float(lags.reduce(0, +)) / Float(lags.count)
        curve!.trained(
            frames: trainer.frames, episodes: progress.episodes,
            metrics: [("loss", update.loss), ("gradient_norm", update.gradientNorm), ("policy_lag_mean", lag)] + update.metrics)
    }

    private func keep(_ record: Record, _ report: (Record) -> Void) throws {
        try metrics.append(MetricsRecord(record))
        report(record)
    }
}

extension MetricsRecord {
    fileprivate init(_ record: Record) {
        self.init(time: record.time, version: record.version, frames: record.frames, scalars: record.scalars.map { ($0.name, $0.value) })
    }
}
