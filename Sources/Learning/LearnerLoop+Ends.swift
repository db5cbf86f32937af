import Rollouts
import Runs
import Wire

/// What becomes of rollouts that are not trained on: every one comes to its end in the ledger.
extension LearnerLoop {
    func settle(_ kind: LedgerRecord.Kind, _ id: RolloutID, cause: UInt8 = 0) throws {
        ledger.append(LedgerRecord(kind, cause: cause, actor: id.actor, incarnation: id.incarnation, sequence: id.sequence, version: trainer.version))
        try ledger.flush()
    }

    func end(_ ids: [RolloutID]) {
        let version = trainer.version
        desk.update {
            $0.ended += ids
            $0.version = version
        }
        wakeUp.signal()
    }

    func settleTroubles() throws {
        let (failed, lost, missing) = desk.read { desk in
            defer {
                desk.failed.removeAll()
                desk.lost.removeAll()
                desk.missing.removeAll()
            }
            return (desk.failed, desk.lost, desk.missing)
        }
        // Known from now on, whatever becomes of them: they are open until they arrive, or until they are given up.
        for one in missing {
            ledger.append(LedgerRecord(.produced, actor: one.place.rank, incarnation: one.place.incarnation, sequence: one.produced))
        }
        for one in lost {
            ledger.append(LedgerRecord(.lost, actor: one.place.rank, incarnation: one.place.incarnation, sequences: one.sequences))
            progress.lost += UInt64(one.sequences.count)
        }
        for one in failed {
            log.warning("rollout \(one.id) is refused: \(one.problem)")
            note(one.header, holder: one.holder)
            try settle(.failed, one.id)
            progress.failed += 1
        }
        try ledger.flush()
        end(failed.map(\.id))
        if let bad = failed.first(where: \.isNonFinite), spec.learner.onNonfinite == .stop { throw NonFiniteRollout(failed: bad) }
    }
}
