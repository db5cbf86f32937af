import Platform
import Rollouts
import Runs
import Wire

/// What a run tells of itself, what it can be resumed from, and how it ends.
extension LearnerLoop {
    // MARK: Records and checkpoints

    func recordIfDue() throws {
        guard progress.recordIsDue(now: .now) else { return }
        record(outcome: nil)
    }

    func record(outcome: Outcome?) {
        let shares = desk.read { $0.meter.take(now: .now) }
        var record = progress.record(trainer, shares: shares, outcome: outcome)
        if let difference = mismatches?.take() { record.scalars.append(Gauge("mismatch", Double(difference))) }
        record.scalars.append(Gauge("rollouts_mismatched", Double(mismatches?.mismatches ?? 0)))
        let gauges = record.scalars + account
        desk.update {
            $0.records.append(record)
            $0.gauges = gauges
            $0.waitingRecords += 1
        }
        wakeUp.signal()
    }

    /// What the ledger knows of, for those who cannot read it.
    private var account: [Gauge] {
        let totals = ledger.state.totals
        let ends = [
            ("produced", ledger.state.produced), ("trained", totals.trained), ("stale", totals.stale), ("filtered", totals.filtered),
            ("failed", totals.failed), ("cancelled", totals.cancelled), ("lost", totals.lost), ("rewound", totals.rewound), ("open", ledger.state.open),
        ]
        return ends.map { Gauge("ledger/\($0)", Double($1)) }
    }

    func checkpointIfDue() throws {
        guard Time.now - lastCheckpoint.time >= spec.learner.checkpointSeconds, checkpoints.isIdle else { return }
        if spec.stop.evaluationEpisodes > 0 { try trainer.evaluate(&progress) }
        try checkpoint()
    }

    func checkpoint() throws {
        let best = progress.takeBest(version: trainer.version)
        let checkpoint = TrainingCheckpoint(trainer, state: progress.stateNow(.now), life: ledger.claim.life)
        try waits.during(disk("the checkpoint before, which is still being written")) { try checkpoints.write(checkpoint, best: best) }
        lastCheckpoint = (trainer.version, .now)
    }

    // MARK: The end

    /// The last checkpoint, then everybody is told, and what is still open gets its end in the ledger.
    func finish(_ outcome: Outcome) throws -> Ending {
        if progress.evaluatedVersion != trainer.version, spec.stop.evaluationEpisodes > 0 { try trainer.evaluate(&progress) }
        try checkpoint()
        try waits.during(disk("the last checkpoint")) { try checkpoints.close() }
        close(outcome: outcome)
        return .finished(reason: outcome.reason)
    }

    func finish(_ ending: Ending) throws -> Ending {
        switch ending {
        case .finished(let reason): return try finish(Outcome(solved: false, reason: reason))
        case .interrupted:
            // The run goes on with the learner's next life: actors keep what was not acknowledged.
            try checkpoint()
            try checkpoints.close()
            record(outcome: nil)
            waitForRecords(seconds: 3)
            return ending
        case .refused, .failed:
            // No checkpoint: another learner may have taken this one's place, and the run directory with it.
            try checkpoints.close()
            return ending
        }
    }

    func close(outcome: Outcome) {
        desk.update { $0.closing = outcome.reason }
        wakeUp.signal()
        // An actor answers when its current rollout is done; one that is gone does not answer at all.
        _ = desk.wait(until: .now + 2) { $0.streamsClosed ? true : nil }
        try? settleTroubles()
        for (place, open) in ledger.state.incarnations.sorted(by: { $0.key < $1.key }) where open.open > 0 {
            ledger.append(LedgerRecord(.cancelled, actor: place.actor, incarnation: place.number, sequences: 1...open.produced))
        }
        let waiting = desk.read { $0.queue.map(\.rollout.id) } + ready.map(\.rollout.id)
        for id in waiting where !ledger.state.isTerminal(actor: id.actor, incarnation: id.incarnation, sequence: id.sequence) {
            ledger.append(LedgerRecord(.cancelled, actor: id.actor, incarnation: id.incarnation, sequences: id.sequence...id.sequence))
        }
        try? ledger.flush()
        record(outcome: outcome)
        // The outcome stands nowhere else, and a coordinator that was killed or stopped may be on its way back.
        waitForRecords(seconds: 30)
    }

    private func waitForRecords(seconds: Int) {
        for second in 0..<seconds {
            if desk.wait(until: .now + 1, { $0.records.isEmpty && $0.waitingRecords == 0 ? true : nil }) != nil { return }
            if second % 3 == 2 { log.info("waiting for the coordinator to take the last records for \(second + 1) s of \(seconds)") }
        }
        log.warning("the coordinator did not take the last records within \(seconds) s")
    }
}
