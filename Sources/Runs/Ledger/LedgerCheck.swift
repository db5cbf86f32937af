import Platform

/// Proves, from the file alone, that every rollout produced has exactly one end or is still open, and that none was trained twice.
public enum LedgerCheck {
    /// What a ledger says, and what is wrong with it.
    public struct Report: Sendable {
        public struct Violation: Sendable, Equatable {
            /// Counts from 1; byte 16 + 32 · (record − 1) of the file.
            public let record: Int
            public let text: String
            public init(record: Int, text: String) { (self.record, self.text) = (record, text) }
        }
        public let path: String
        public internal(set) var records = 0
        public internal(set) var tornBytes = 0
        /// Records of a life of the learner after another one had followed it: they count for nothing.
        public internal(set) var void = 0
        public internal(set) var state = LedgerState()
        /// The first `violationsKept` of them.
        public internal(set) var violations: [Violation] = []
        public internal(set) var violationCount = 0

        public static let violationsKept = 1000
        /// No violation; a torn tail alone is what a killed learner leaves and is none.
        public var isSound: Bool { violationCount == 0 }

        mutating func add(_ record: Int, _ text: String) {
            violationCount += 1
            if violations.count < Self.violationsKept { violations.append(Violation(record: record, text: text)) }
        }
    }

    /// Reads the ledger in bounded memory: it grows with the number of actors' lives and of undone rollouts, not with the length of the
    /// file.
    /// - Throws: `LedgerError` for a file that is no ledger, or `FileError`.
    public static func run(_ path: String) throws -> Report {
        var report = Report(path: path)
        // What was resumed from, until the next update: nothing may be trained at or below a version that is in a checkpoint.
        var floor: UInt64 = 0
        report.tornBytes = try LedgerScan(path).run(path) { number, entry, mayBeUndone in
            report.records = number
            let record: LedgerRecord
            switch entry {
            case .record(let valid): record = valid
            case .void:
                report.void += 1
                return
            case .damaged: return report.add(number, "damaged: the checksum does not match")
            }
            let id = "\(record.actor).\(record.incarnation)/\(record.sequence)"
            if record.kind == .rewound || record.kind == .started { floor = record.version }
            if record.kind == .started, record.incarnation != report.state.lives + 1 {
                report.add(number, "learner life \(record.incarnation) follows life \(report.state.lives)")
            }
            if record.kind == .trained, record.version <= floor {
                report.add(
                    number, "rollout \(id) is trained at version \(record.version), which the learner had before (it began at \(floor))")
            }
            switch report.state.apply(record, mayBeUndone: mayBeUndone) {
            case nil: break
            case .secondTerminalEvent: report.add(number, "rollout \(id) is \(record.kind), but has ended before")
            case .badSequence where record.kind.coversRange:
                report.add(number, "\(record.kind) covers \(record.version) to \(record.sequence), which is no range of sequences")
            case .badSequence: report.add(number, "\(record.kind) has sequence \(record.sequence): they count from 1")
            case .versionWentBack(let newest):
                report.add(number, "rollout \(id) is trained at version \(record.version) after version \(newest), without a rewind")
            }
        }
        for (incarnation, progress) in report.state.incarnations.sorted(by: { $0.key < $1.key })
        // Two accounts of the same: events counted one by one, and members of the set of ended sequences.
        where progress.counts.terminal + progress.open != progress.produced {
            report.add(
                report.records,
                "incarnation \(incarnation): produced \(progress.produced) is not terminal \(progress.counts.terminal)"
                    + " + open \(progress.open)"
            )
        }
        return report
    }
}

extension LedgerCheck.Report {
    /// For people: the sum, and every violation.
    public var text: String {
        let totals = state.totals
        var lines = [
            "ledger \(path): \(records) records, \(state.incarnations.count) actor lives, \(state.lives) learner lives,"
                + " \(state.rewinds) rewinds",
            "produced \(state.produced) = trained \(totals.trained) + stale \(totals.stale) + filtered \(totals.filtered)"
                + " + failed \(totals.failed) + cancelled \(totals.cancelled) + lost \(totals.lost)"
                + " + rewound \(totals.rewound) + open \(state.open)",
        ]
        if tornBytes > 0 { lines.append("\(tornBytes) bytes of an unfinished record at the end: the next learner cuts them off") }
        if void > 0 { lines.append("\(void) records of a learner that had been replaced: they count for nothing") }
        lines += violations.map { "record \($0.record): \($0.text)" }
        if violationCount > violations.count { lines.append("and \(violationCount - violations.count) more violations") }
        lines.append(isSound ? "sound: every rollout is accounted for, none was trained twice" : "NOT sound: \(violationCount) violations")
        return lines.joined(separator: "\n")
    }

    /// For programs: one JSON object with the same, and the account of each incarnation.
    public var json: JSON {
        func account(_ produced: UInt64, _ counts: LedgerState.Counts, _ open: UInt64) -> [JSON.Member] {
            [
                ("produced", produced), ("trained", counts.trained), ("stale", counts.stale), ("filtered", counts.filtered),
                ("failed", counts.failed), ("cancelled", counts.cancelled), ("lost", counts.lost), ("rewound", counts.rewound),
                ("open", open),
            ].map { .init($0, .integer(Int(clamping: $1))) }
        }
        let incarnations = state.incarnations.sorted { $0.key < $1.key }.map { key, progress in
            JSON.object(
                [.init("actor", .integer(Int(key.actor))), .init("incarnation", .integer(Int(key.number)))]
                    + account(progress.produced, progress.counts, progress.open))
        }
        let violations = violations.map { JSON.object([.init("record", .integer($0.record)), .init("text", .string($0.text))]) }
        return .object([
            .init("path", .string(path)), .init("sound", .bool(isSound)), .init("records", .integer(records)),
            .init("torn_bytes", .integer(tornBytes)), .init("void", .integer(void)), .init("learner_lives", .integer(Int(state.lives))),
            .init("rewinds", .integer(state.rewinds)), .init("totals", .object(account(state.produced, state.totals, state.open))),
            .init("incarnations", .array(incarnations)), .init("violation_count", .integer(violationCount)),
            .init("violations", .array(violations)),
        ])
    }
}
