import Platform
import Rollouts
import Runs
import Testing

@Suite struct LedgerHistoryTests {
    private func id(_ actor: UInt32, _ sequence: UInt64) -> RolloutID { RolloutID(actor: actor, incarnation: 0, sequence: sequence) }

    private func acted(_ id: RolloutID, by version: UInt64, life: UInt32 = 3) -> LedgerRecord {
        LedgerRecord(.acted, life: life, actor: id.actor, incarnation: id.incarnation, sequence: id.sequence, version: version)
    }

    private func ended(_ kind: LedgerRecord.Kind, _ id: RolloutID, at version: UInt64, cause: UInt8 = 0) -> LedgerRecord {
        LedgerRecord(kind, cause: cause, actor: id.actor, incarnation: id.incarnation, sequence: id.sequence, version: version)
    }

    @Test func tellsLivesUpdatesAndWhatActed() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            do {
                var ledger = try LedgerWriter(path, startingAt: 0, life: 3)
                ledger.append(LedgerRecord(.joined, actor: 0, version: 8))
                ledger.append(LedgerRecord(.joined, actor: 1, version: 4))
                for number in 1...4 as ClosedRange<UInt64> {
                    ledger.append(acted(id(0, number), by: number / 2))
                    ledger.append(acted(id(1, number), by: 0))
                }
                ledger.append(ended(.trained, id(0, 1), at: 1))
                ledger.append(ended(.trained, id(1, 1), at: 1))
                ledger.append(ended(.stale, id(1, 2), at: 1))
                ledger.append(ended(.trained, id(0, 2), at: 2))
                ledger.append(ended(.trained, id(1, 3), at: 2))
                for rollout in [id(0, 3), id(1, 4)] { ledger.append(ended(.failed, rollout, at: 2, cause: LedgerRecord.refusedUpdate)) }
                ledger.append(ended(.failed, id(0, 4), at: 2))
                try ledger.flush()
            }
            do {
                // Version 2 is undone: its rollouts are trained on again.
                var ledger = try LedgerWriter(path, startingAt: 1, life: 5)
                ledger.append(acted(id(0, 5), by: 2))
                ledger.append(ended(.trained, id(0, 2), at: 2))
                ledger.append(ended(.trained, id(0, 5), at: 2))
                try ledger.flush()
            }
            let history = try LedgerHistory(path, rolloutsPerUpdate: 2)
            #expect(
                history.steps == [
                    .began(life: 3, version: 0), .trained(version: 1, [id(0, 1), id(1, 1)]), .trained(version: 2, [id(0, 2), id(1, 3)]),
                    .refused([id(0, 3), id(1, 4)]), .began(life: 5, version: 1), .trained(version: 2, [id(0, 2), id(0, 5)]),
                ])
            #expect(history.newestVersion == 2)
            #expect(history[id(0, 3)]?.life == 3 && history[id(0, 3)]?.version == 1)
            #expect(history[id(0, 6)] == nil && history[id(2, 1)] == nil)
            #expect(history.actors[LedgerState.Incarnation(actor: 1, number: 0)]?.slots == 4)
            #expect(try LedgerCheck.run(path).isSound)
        }
    }

    @Test func aGapIsNamed() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            var ledger = try LedgerWriter(path, startingAt: 0, life: 1)
            ledger.append(acted(id(0, 1), by: 0))
            ledger.append(acted(id(0, 3), by: 0))
            try ledger.flush()
            #expect {
                try LedgerHistory(path, rolloutsPerUpdate: 1)
            } throws: { "\($0)".contains("rollout 0.0/3 follows rollout 1") }
        }
    }

    @Test func aLedgerOfBeforeIsNamed() throws {
        try inScratch { folder in
            _ = try LedgerWriter("\(folder)/ledger", startingAt: 0)
            #expect { try LedgerHistory("\(folder)/ledger", rolloutsPerUpdate: 1) } throws: { "\($0)".contains("has no number") }
        }
    }
}
