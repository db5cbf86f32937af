import Environments
import Logging
import Networks
import Platform
import Rollouts
import Runs
import Tensors
import Wire

/// The training thread: waits for rollouts, updates, publishes, acknowledges, records, and judges when the run is over.
///
/// The order within one update is what makes a kill at any moment harmless: update → ledger (handed to the system) → publication and
/// acknowledgement. Whatever was acknowledged stands in the ledger; whatever stands in the ledger above the checkpoint that a new life
/// resumes from is undone there.
///
/// What is not trained on: `LearnerLoop+Ends`; records, checkpoints and the end of the run: `LearnerLoop+Records`.
final class LearnerLoop {
    let spec: RunSpec
    private let directory: RunDirectory
    private let runID: UInt64
    private let life: UInt32
    let desk: Guarded<LearnerDesk>
    let wakeUp: WakeUp
    let waits: WaitRegister
    let log: Logger
    let trainer: any Training
    let checkpoints: CheckpointWriter
    var ledger: LedgerWriter
    var ready: [QueuedRollout] = []
    var progress: TrainingProgress
    /// nil: nobody can compute the actors' numbers again.
    var mismatches: MismatchDetector?
    var lastCheckpoint: (version: UInt64, time: Time)
    /// How many sequences the replay had given when it last gave some.
    private var lastDrawn = (count: 0, time: Time.zero)
    /// Since when a batch is awaited, and when somebody was last told.
    private var waiting: (since: Time, reported: Time)?

    init(
        spec: RunSpec, directory: RunDirectory, run: UInt64, life: UInt32, desk: Guarded<LearnerDesk>, wakeUp: WakeUp, waits: WaitRegister,
        catalogue: EnvironmentCatalogue, log: Logger
    ) throws {
        self.spec = spec
        self.directory = directory
        runID = run
        self.life = life
        self.desk = desk
        self.wakeUp = wakeUp
        self.waits = waits
        self.log = log
        trainer = try spec.training(catalogue: catalogue, directory: directory)
        if let announcement = trainer.announcement { log.info("\(announcement)") }
        let replays = trainer.keepsReplay ? try ReplayStore(writingTo: directory.replay) : nil
        let store = try CheckpointStore(writingTo: directory.checkpoints)
        var (state, sequence) = (TrainingState(), UInt64(0))
        let lineage = try LedgerLineage(directory.ledger)
        let newest = try store.readNewestValid { checkpoint in
            guard let life = TrainingCheckpoint.life(of: checkpoint) else { return true }
            return lineage.holds(version: checkpoint.version, madeIn: life)
        }
        if let (newest, skipped) = newest {
            for error in skipped { log.warning("\(error)") }
            let checkpoint = try TrainingCheckpoint(newest)
            try trainer.restore(checkpoint, replay: replays)
            state = checkpoint.state
            log.info("resuming from checkpoint \(checkpoint.version): \(checkpoint.frames) frames")
        } else {
            desk.update { $0.meter.enter(ShareMeter.busy, now: .now) }
            try trainer.begin { beginning in
                switch beginning {
                case .note(let line): log.info("\(line)")
                case .warmup(let progress):
                    log.info("\(progress.text)")
                    sequence += 1
                    let record = Record(sequence: sequence, progress)
                    desk.update {
                        $0.records.append(record)
                        $0.gauges = record.scalars
                    }
                    wakeUp.signal()
                }
                if let ending = desk.read({ $0.ending }) { throw EndedBeforeTraining(ending: ending) }
            }
            // What came before is no part of how training spends its time.
            desk.update {
                $0.gauges = []
                _ = $0.meter.take(now: .now)
            }
        }
        // With the ledger, the seeds and these, the run can be made again: see SerialReplay.
        try Files.createDirectory("\(directory.path)/lives")
        try Files.writeAtomically(Array(LifeFile.text(spec).utf8), to: directory.life(life))
        ledger = try LedgerWriter(directory.ledger, startingAt: trainer.version, life: life)
        checkpoints = CheckpointWriter(
            store, ledger: directory.ledger, claim: ledger.claim, keep: spec.learner.keepCheckpoints, replays: replays, waits: waits)
        progress = TrainingProgress(spec: spec, state: state, trainer: trainer, sequence: sequence, now: .now)
        lastCheckpoint = (trainer.version, .now)
        mismatches = trainer.mismatchNetwork.map { MismatchDetector($0, share: spec.learner.mismatchShare, maxLag: trainer.maxLag) }
    }

    func run() throws -> Ending {
        open()
        do {
            while true {
                if let ending = desk.read({ $0.ending }) { return try finish(ending) }
                takeBound()
                if let rollouts = try nextBatch() { try train(rollouts) }
                if let outcome = try trainer.judge(&progress) { return try finish(outcome) }
                try recordIfDue()
                try checkpointIfDue()
            }
        } catch let error as LedgerError {
            guard case .superseded = error else { throw abandoned(error) }
            // Nothing is written and nobody is told: run directory, actors and coordinator belong to another learner.
            try? checkpoints.close()
            return .refused(Refusal(.occupied, problem: error.problem, remedy: error.remedy))
        } catch {
            throw abandoned(error)
        }
    }

    /// Everybody is told that the run is over, and why.
    private func abandoned(_ error: any Error) -> any Error {
        try? checkpoints.close()
        close(outcome: Outcome(solved: false, reason: "failed: \(error)"))
        return error
    }

    /// Lets the socket thread take actors.
    private func open() {
        let (rolloutsPerUpdate, credits, version) = (spec.learner.rolloutsPerUpdate, spec.credits, trainer.version)
        var shape = trainer.shape
        // An actor may be started with other slots than the run file says.
        shape.maximumSlots = trainer.maximumSlots
        let opening = LearnerOpening(
            intake: RolloutIntake.Settings(
                run: runID, life: life, credits: credits, creditsTogether: spec.creditsTogether, rolloutsPerUpdate: rolloutsPerUpdate, maxLag: trainer.maxLag),
            version: version,
            shape: shape,
            weights: published())
        desk.update {
            $0.version = version
            $0.rolloutsNeeded = rolloutsPerUpdate
            $0.credits = credits
            $0.opening = opening
        }
        wakeUp.signal()
    }

    private func published() -> PublishedWeights {
        let layout = trainer.layout
        let parameters = trainer.published()
        mismatches?.published(parameters, version: trainer.version)
        return PublishedWeights(
            header: WeightsHeader(run: runID, life: life, version: trainer.version, parameters: layout.count + trainer.guidance, layout: layout.fingerprint),
            parameters: parameters)
    }

    /// Takes a bound on policy lag that was changed while the run goes on.
    private func takeBound() {
        guard let maxLag = desk.read({ desk in
            defer { desk.maxLag = nil }
            return desk.maxLag
        }) else { return }
        trainer.bound(maxLag: maxLag)
        mismatches?.bound(maxLag: trainer.maxLag)
        let bound = trainer.maxLag
        desk.update { $0.bound = bound }
        wakeUp.signal()
    }

    // MARK: One update

    /// The rollouts of the next update, oldest data swept out; nil when the time to look at other things has come first.
    private func nextBatch() throws -> [QueuedRollout]? {
        let needed = spec.learner.rolloutsPerUpdate
        let missing = needed - ready.count
        let arrived = desk.wait(until: .now + 0.5) { desk -> (rollouts: [QueuedRollout], troubled: Bool)? in
            let troubled = !desk.failed.isEmpty || !desk.lost.isEmpty || !desk.missing.isEmpty
            guard desk.queue.count >= missing || troubled || desk.ending != nil else {
                desk.meter.enter(desk.actors == 0 ? "actors" : "rollouts", now: .now)
                return nil
            }
            desk.meter.enter(ShareMeter.busy, now: .now)
            let count = min(missing, desk.queue.count)
            defer { desk.queue.removeFirst(count) }
            return (Array(desk.queue.prefix(count)), troubled)
        }
        guard let arrived else {
            reportWait()
            return nil
        }
        waiting = nil
        if arrived.troubled { try settleTroubles() }
        for queued in arrived.rollouts {
            note(RolloutHeader(queued.rollout), holder: queued.holder)
            try sweep(queued)
        }
        guard ready.count == needed else { return nil }
        defer { ready.removeAll(keepingCapacity: true) }
        // By actor and number, whatever the order of arrival: the sum of the batch is then the same in every run.
        return ready.sorted { $0.rollout.id < $1.rollout.id }
    }

    /// After so many seconds of waiting, and again and again, the log says what is awaited from whom.
    static let reportInterval = 10.0

    /// Says every ten seconds what is awaited, and what helps if it cannot come.
    private func reportWait() {
        let now = Time.now
        let (since, reported) = waiting ?? (now, now)
        waiting = (since, reported)
        guard now - reported >= Self.reportInterval else { return }
        waiting = (since, now)
        let (actors, here, needed) = (desk.read { $0.actors }, ready.count + desk.read { $0.queue.count }, spec.learner.rolloutsPerUpdate)
        let blocked = trainer.blocked.map { "; \($0)" } ?? ""
        var line = "waiting for rollouts from \(actors) actors for \(Int(now - since)) s: \(here) of \(needed) are here"
        if actors > 0, actors * WireProtocol.maximumCredits < needed {
            line += "; these actors may send \(actors * WireProtocol.maximumCredits) before an update: start more of them"
        }
        log.info("\(line)\(blocked)")
    }

    /// Records, once, what acted: the rollout itself is not kept, and can be made again from this.
    func note(_ header: RolloutHeader, holder: UInt64 = 0) {
        let (actor, incarnation) = (header.id.actor, header.id.incarnation)
        let known = ledger.state.incarnations[LedgerState.Incarnation(actor: actor, number: incarnation)]
        if known?.slots ?? 0 == 0 {
            ledger.append(LedgerRecord(.joined, actor: actor, incarnation: incarnation, sequence: holder, version: UInt64(header.slots)))
        }
        guard header.id.sequence > known?.acted ?? 0 else { return }
        ledger.append(
            LedgerRecord(
                .acted, life: header.life, actor: actor, incarnation: incarnation, sequence: header.id.sequence, version: header.version))
    }

    /// Lets a rollout through if it is neither known already nor too old.
    private func sweep(_ queued: QueuedRollout) throws {
        let id = queued.rollout.id
        // An actor that was taken for gone, and is not, sends again what is still in the queue.
        if ready.contains(where: { $0.rollout.id == id }) { return }
        if ledger.state.isTerminal(actor: id.actor, incarnation: id.incarnation, sequence: id.sequence) {
            // Trained by a life before this one, which was killed before it could acknowledge.
            return end([id])
        }
        guard queued.rollout.version <= trainer.version else {
            // Acted by a version that this life has not made yet: the weights it came from were undone.
            try settle(.stale, id)
            progress.stale += 1
            return end([id])
        }
        guard trainer.version - queued.rollout.version <= UInt64(trainer.maxLag) else {
            try settle(.stale, id)
            progress.stale += 1
            return end([id])
        }
        ready.append(queued)
    }

    private func train(_ queued: [QueuedRollout]) throws {
        let rollouts = queued.map(\.rollout)
        for rollout in rollouts { try check(rollout) }
        let before = trainer.version
        let report: UpdateReport
        do {
            report = try trainer.update(rollouts)
        } catch let error as NonFiniteUpdate {
            let path = "\(directory.path)/nonfinite-\(error.version).safetensors"
            try Files.writeAtomically(error.batchFile(rollouts), to: path)
            for rollout in rollouts { try settle(.failed, rollout.id, cause: LedgerRecord.refusedUpdate) }
            end(rollouts.map(\.id))
            guard spec.learner.onNonfinite == .skip else { throw error }
            log.warning("\(error) The batch is in \(path).")
            progress.skipped += 1
            return
        }
        for rollout in rollouts {
            ledger.append(
                LedgerRecord(
                    .trained, actor: rollout.id.actor, incarnation: rollout.id.incarnation, sequence: rollout.id.sequence,
                    version: report.version)
            )
        }
        try waits.during(disk("the ledger \(directory.ledger)")) { try ledger.flush() }
        let (weights, version, ids) = (published(), report.version, rollouts.map(\.id))
        let limited = limits()
        desk.update {
            $0.limited = limited
            $0.publish = weights
            $0.version = version
            $0.ended += ids
        }
        wakeUp.signal()
        progress.trained(report, lags: queued.map { (before - $0.rollout.version, $0.arrivedAt - min($0.arrivedAt, $0.rollout.version)) })
    }

    /// What of the training thread waits for the disk.
    func disk(_ what: String) -> WaitRegister.Entry {
        WaitRegister.Entry(
            thread: "training", resource: "disk", holder: "disk", deadline: CheckpointWriter.reportInterval, detail: what)
    }

    /// Since when the replay's limiter lets nothing through.
    private func limits() -> (why: String, since: Time)? {
        guard let drawn = trainer.samplesDrawn else { return nil }
        if drawn != lastDrawn.count || lastDrawn.time == .zero { lastDrawn = (drawn, .now) }
        return trainer.blocked.map { ($0, lastDrawn.time) }
    }

    /// Whether actor and learner agree about the policy that acted.
    private func check(_ rollout: Rollout) throws {
        // Versions of a life before this one may have been made again since, with other weights.
        guard rollout.life == life, let mismatch = try mismatches?.check(rollout) else { return }
        if spec.learner.onMismatch == .stop { throw mismatch }
        log.warning("\(mismatch)")
    }
}
