import Glibc
import Platform
import Runs
import Testing

@Suite struct LedgerTests {
    private func append(_ records: [LedgerRecord], to path: String, startingAt version: UInt64 = 0) throws {
        var writer = try LedgerWriter(path, startingAt: version)
        for record in records { #expect(writer.append(record) == nil) }
        try writer.flush()
    }

    private func trained(_ sequence: UInt64, at version: UInt64, actor: UInt32 = 0, incarnation: UInt32 = 0) -> LedgerRecord {
        LedgerRecord(.trained, actor: actor, incarnation: incarnation, sequence: sequence, version: version)
    }

    /// The file's bytes, written out by hand from the format.
    @Test func bytesOfTheFile() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            try append(
                [LedgerRecord(.failed, cause: 7, actor: 0x0102_0304, incarnation: 5, sequence: 0x1122_3344_5566_7788, version: 9)], to: path
            )
            let bytes = try Files.read(path)
            #expect(bytes.count == 16 + 2 * 32)
            // The third and fourth byte: the first life of the learner wrote it.
            #expect(Array(bytes[..<16]) == [UInt8]("APUSLEDG".utf8) + [1, 0, 0, 0, 0, 0, 0, 0])
            let record: [UInt8] = [
                5, 7, 2, 0, 4, 3, 2, 1, 5, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 9, 0, 0, 0, 0, 0, 0, 0,
            ]
            #expect(Array(bytes[48 ..< 76]) == record)
            #expect(Array(bytes[76...]) == withUnsafeBytes(of: CRC32C.of(record).littleEndian, Array.init))
        }
    }

    @Test func everyRolloutHasOneEnd() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            try append(
                [
                    LedgerRecord(.produced, actor: 1, incarnation: 0, sequence: 6), trained(1, at: 1, actor: 1),
                    trained(3, at: 1, actor: 1),
                    LedgerRecord(.stale, actor: 1, incarnation: 0, sequence: 2, version: 1),
                    LedgerRecord(.lost, actor: 1, incarnation: 0, sequences: 1 ... 5), trained(1, at: 2, actor: 1, incarnation: 1),
                    LedgerRecord(.filtered, actor: 2, sequence: 1, version: 2),
                    LedgerRecord(.cancelled, actor: 2, incarnation: 0, sequences: 2 ... 3),
                ], to: path)
            let report = try LedgerCheck.run(path)
            #expect(report.isSound, "\(report.text)")
            #expect(report.records == 9)
            #expect(
                report.text == """
                    ledger \(path): 9 records, 3 actor lives, 1 learner lives, 0 rewinds
                    produced 10 = trained 3 + stale 1 + filtered 1 + failed 0 + cancelled 2 + lost 2 + rewound 0 + open 1
                    sound: every rollout is accounted for, none was trained twice
                    """)
            #expect(
                String(decoding: report.json.serialized(), as: UTF8.self).hasSuffix(
                    """
                    "sound":true,"records":9,"torn_bytes":0,"void":0,"learner_lives":1,"rewinds":0,"totals":{"produced":10,\
                    "trained":3,"stale":1,"filtered":1,\
                    "failed":0,"cancelled":2,"lost":2,"rewound":0,"open":1},"incarnations":[\
                    {"actor":1,"incarnation":0,"produced":6,"trained":2,"stale":1,"filtered":0,"failed":0,\
                    "cancelled":0,"lost":2,"rewound":0,"open":1},\
                    {"actor":1,"incarnation":1,"produced":1,"trained":1,"stale":0,"filtered":0,"failed":0,\
                    "cancelled":0,"lost":0,"rewound":0,"open":0},\
                    {"actor":2,"incarnation":0,"produced":3,"trained":0,"stale":0,"filtered":1,"failed":0,\
                    "cancelled":2,"lost":0,"rewound":0,"open":0}],\
                    "violation_count":0,"violations":[]}
                    """))
        }
    }

    @Test func writerRefusesContradictions() throws {
        try inScratch { folder in
            var writer = try LedgerWriter("\(folder)/ledger")
            #expect(writer.append(trained(1, at: 3)) == nil)
            #expect(writer.append(trained(1, at: 3)) == .secondTerminalEvent)
            #expect(writer.append(trained(2, at: 2)) == .versionWentBack(from: 3))
            #expect(writer.append(LedgerRecord(.stale, sequence: 0)) == .badSequence)
            #expect(writer.append(LedgerRecord(.lost, sequence: 3, version: 0)) == .badSequence)
            try writer.flush()
            #expect(try LedgerCheck.run("\(folder)/ledger").isSound)
            #expect(try LedgerCheck.run("\(folder)/ledger").records == 2)
        }
    }

    /// The same records in a file that no honest writer made: copies of another's bytes.
    @Test func checkFindsWhatIsWrong() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            try append([trained(1, at: 1), trained(2, at: 5), LedgerRecord(.lost, actor: 3, incarnation: 0, sequences: 1 ... 4)], to: path)
            let good = try Files.read(path)
            let record = { (number: Int) in Array(good[(16 + 32 * (number - 1)) ..< (16 + 32 * number)]) }
            func violations(_ numbers: [Int], damaging damaged: Int? = nil) throws -> [LedgerCheck.Report.Violation] {
                var bytes = Array(good[..<16]) + numbers.flatMap(record)
                if let damaged { bytes[16 + 32 * (damaged - 1) + 20] ^= 1 }
                try Files.write(bytes, to: path)
                let report = try LedgerCheck.run(path)
                #expect(report.isSound == report.violations.isEmpty)
                return report.violations
            }
            #expect(try violations([1, 2, 3, 4]) == [])
            #expect(try violations([1, 2, 2]) == [.init(record: 3, text: "rollout 0.0/1 is trained, but has ended before")])
            #expect(
                try violations([1, 3, 2]) == [
                    .init(record: 3, text: "rollout 0.0/1 is trained at version 1 after version 5, without a rewind")
                ])
            #expect(try violations([1, 2, 3, 4], damaging: 2) == [.init(record: 2, text: "damaged: the checksum does not match")])
            #expect(try violations([1, 1]) == [], "a claim of a number that is taken is void")
        }
    }

    @Test func resumeUndoesWhatIsNotInTheCheckpoint() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            try append(
                [trained(1, at: 10), trained(2, at: 11), trained(3, at: 12), LedgerRecord(.stale, sequence: 4, version: 12)], to: path)
            var writer = try LedgerWriter(path, startingAt: 10)
            #expect(writer.state.totals.rewound == 2)
            #expect((1 ... 4).map { writer.state.isTerminal(actor: 0, incarnation: 0, sequence: $0) } == [true, false, false, true])
            #expect(writer.append(trained(2, at: 11)) == nil)
            #expect(writer.append(trained(1, at: 11)) == .secondTerminalEvent)
            try writer.flush()
            let report = try LedgerCheck.run(path)
            #expect(report.isSound, "\(report.text)")
            #expect(report.state == writer.state)
            #expect(report.text.contains("trained 2 + stale 1 + filtered 0 + failed 0 + cancelled 0 + lost 0 + rewound 1 + open 0"))
        }
    }

    /// Training again what the checkpoint already holds is found even if no sequence repeats.
    @Test func checkFindsTrainingBelowTheCheckpoint() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            try append([trained(1, at: 4)], to: path, startingAt: 3)
            #expect(try LedgerCheck.run(path).isSound)
            try append([trained(2, at: 4)], to: path, startingAt: 4)
            #expect(
                try LedgerCheck.run(path).violations
                    == [.init(record: 4, text: "rollout 0.0/2 is trained at version 4, which the learner had before (it began at 4)")])
        }
    }

    @Test(arguments: [1, 17, 31])
    func tornTailIsCut(torn: Int) throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            try append([trained(1, at: 1), trained(2, at: 2)], to: path)
            let whole = try Files.read(path)
            try Files.write(Array(whole.dropLast(32 - torn)), to: path)
            let report = try LedgerCheck.run(path)
            #expect(report.isSound)
            #expect(report.tornBytes == torn)
            var writer = try LedgerWriter(path, startingAt: 1)
            #expect(writer.cutBytes == torn)
            #expect(!writer.state.isTerminal(actor: 0, incarnation: 0, sequence: 2))
            #expect(writer.append(trained(2, at: 2)) == nil)
            try writer.flush()
            #expect(try LedgerCheck.run(path).isSound)
        }
    }

    /// After a loss of power a tail may be zeros: no record, and cut as a torn one is. Damage before whole records is refused.
    @Test func damageAtTheEndIsCutAndInTheMidstIsRefused() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            try append([trained(1, at: 1), trained(2, at: 2)], to: path)
            let whole = try Files.read(path)
            try Files.write(whole + [UInt8](repeating: 0, count: 100), to: path)
            #expect(try LedgerWriter(path, startingAt: 2).cutBytes == 100)
            var bytes = whole
            bytes[16 + 32 + 5] ^= 1
            try Files.write(bytes, to: path)
            #expect(throws: LedgerError.damaged(path, record: 2)) { _ = try LedgerWriter(path, startingAt: 2) }
            #expect(try Files.read(path) == bytes)
        }
    }

    @Test func otherFilesAreRefused() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            try Files.write([UInt8](repeating: 65, count: 100), to: path)
            #expect(throws: LedgerError.notALedger(path)) { _ = try LedgerWriter(path) }
            #expect(throws: LedgerError.notALedger(path)) { _ = try LedgerCheck.run(path) }
            try Files.write([UInt8]("APUSLEDG".utf8) + [2, 1, 0, 0, 0, 0, 0, 0], to: path)
            #expect(throws: LedgerError.unknownFormat(path, version: 258)) { _ = try LedgerCheck.run(path) }
            // Killed between making the file and writing its header.
            try Files.write([65, 80], to: path)
            try append([trained(1, at: 1)], to: path)
            #expect(try LedgerCheck.run(path).isSound)
        }
    }

    /// A learner that was paused, replaced and goes on: what it writes is void, and it learns so before anybody relies on it.
    @Test func whoeverWasReplacedCannotWrite() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            var former = try LedgerWriter(path)
            former.append(trained(1, at: 1))
            former.append(trained(2, at: 2))
            try former.flush()
            try former.claim.check()
            var next = try LedgerWriter(path, startingAt: 1)
            #expect(throws: LedgerError.superseded(path, life: 1)) { try former.claim.check() }
            next.append(trained(2, at: 2))
            try next.flush()

            // The former one had looked before it was paused, and writes now.
            let before = try Files.read(path)
            former.append(trained(3, at: 3))
            #expect(throws: LedgerError.superseded(path, life: 1)) { try former.flush() }
            #expect(try Files.read(path) == before)
            // Between its look and its write is no time: a record that gets in all the same is void.
            let stray = Array(before[(16 + 2 * 32) ..< (16 + 3 * 32)])
            try AppendFile(path).append(stray)
            let report = try LedgerCheck.run(path)
            #expect(report.isSound && report.void == 1, "\(report.text)")
            #expect(report.state == next.state)
            // That harms its successor as little.
            next.append(trained(4, at: 3))
            try next.flush()
            #expect(try LedgerWriter(path, startingAt: 3).claim.life == 3)
            #expect(throws: LedgerError.superseded(path, life: 2)) { try next.claim.check() }
        }
    }

    @Test func whatWasUndoneIsNoPartOfTheHistory() throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            #expect(try LedgerLineage(path).holds(version: 9, madeIn: 1))
            try append([trained(1, at: 1), trained(2, at: 2)], to: path)
            try append([trained(3, at: 2)], to: path, startingAt: 1)
            let lineage = try LedgerLineage(path)
            #expect(lineage.holds(version: 1, madeIn: 1) && !lineage.holds(version: 2, madeIn: 1))
            #expect(lineage.holds(version: 2, madeIn: 2))
        }
    }

    /// Random histories with contradictions, rewinds and torn tails: the state, the file and the plainest model agree.
    @Test(arguments: 0 ..< 60)
    func agreesWithThePlainestModel(seed: Int) throws {
        try inScratch { folder in
            let path = "\(folder)/ledger"
            var dice = Dice(UInt64(seed))
            var model = LedgerModel()
            var pure = LedgerState()
            var version: UInt64 = 0
            for life in 0 ..< Int.random(in: 1 ... 5, using: &dice) {
                // A checkpoint that the learner resumes from: any version up to the newest.
                let checkpoint = UInt64.random(in: version - min(version, 6) ... version, using: &dice)
                var writer = try LedgerWriter(path, startingAt: checkpoint)
                if model.version > checkpoint {
                    let rewound = LedgerRecord(.rewound, version: checkpoint)
                    _ = model.apply(rewound)
                    pure.apply(rewound)
                }
                pure.apply(LedgerRecord(.started, incarnation: UInt32(life + 1), version: checkpoint))
                #expect(model.agrees(with: writer.state))
                #expect(model.agrees(with: pure))
                version = checkpoint + 1
                for _ in 0 ..< Int.random(in: 0 ... 60, using: &dice) {
                    let record = Self.randomRecord(&dice, version: version)
                    let accepted = model.apply(record)
                    #expect((writer.append(record) == nil) == accepted)
                    #expect((pure.apply(record) == nil) == accepted)
                    if Int.random(in: 0 ..< 3, using: &dice) == 0 { version += 1 }
                }
                version = max(model.version, checkpoint)
                try writer.flush()
                #expect(model.agrees(with: writer.state))
                #expect(model.agrees(with: pure))
                let report = try LedgerCheck.run(path)
                #expect(report.isSound, "\(report.text)")
                #expect(model.agrees(with: report.state))
                if Bool.random(using: &dice) {
                    // The kill tore a record that was never flushed whole.
                    try AppendFile(path).append([UInt8](repeating: 2, count: Int.random(in: 1 ... 31, using: &dice)))
                }
            }
        }
    }

    private static func randomRecord(_ dice: inout Dice, version: UInt64) -> LedgerRecord {
        let kinds: [LedgerRecord.Kind] = [.produced, .trained, .trained, .trained, .trained, .stale, .filtered, .failed, .cancelled, .lost]
        let kind = kinds.randomElement(using: &dice)!
        let (actor, incarnation) = (UInt32.random(in: 0 ..< 2, using: &dice), UInt32.random(in: 0 ..< 2, using: &dice))
        let sequence = UInt64.random(in: 1 ... 25, using: &dice)
        guard kind.coversRange else {
            return LedgerRecord(kind, actor: actor, incarnation: incarnation, sequence: sequence, version: version)
        }
        return LedgerRecord(
            kind, actor: actor, incarnation: incarnation, sequences: sequence ... sequence + UInt64.random(in: 0 ..< 5, using: &dice))
    }
}
