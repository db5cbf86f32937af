import Platform

/// One pass over a ledger, with the knowledge of which trained records a later rewind undoes.
///
/// That knowledge costs a first, quick pass over the file, and makes the memory of the second one independent of the ledger's length: only
/// what will be undone has to be remembered.
struct LedgerScan {
    /// Entry numbers, ascending, of the rewinds, each with the lowest version that it or any later one goes back to.
    private var rewinds: [(number: Int, lowest: UInt64)] = []
    /// How many entries there are up to and including the last whole record: what a writer continues after.
    private(set) var wholeRecords = 0

    init(_ path: String) throws {
        var reader = try LedgerReader(path)
        var number = 0
        while let entry = try reader.next() {
            number += 1
            if entry != .damaged { wholeRecords = number }
            guard case .record(let record) = entry else { continue }
            if record.kind == .rewound { rewinds.append((number, record.version)) }
        }
        for index in rewinds.indices.reversed().dropFirst() {
            rewinds[index].lowest = min(rewinds[index].lowest, rewinds[index + 1].lowest)
        }
    }

    /// Calls `body` with each entry, numbered from 1, and whether a later rewind undoes it. Returns the torn bytes at the end.
    func run(_ path: String, _ body: (Int, LedgerReader.Entry, _ mayBeUndone: Bool) throws -> Void) throws -> Int {
        var reader = try LedgerReader(path)
        var number = 0
        var upcoming = 0
        while let entry = try reader.next() {
            number += 1
            while upcoming < rewinds.count, rewinds[upcoming].number <= number { upcoming += 1 }
            var mayBeUndone = false
            if upcoming < rewinds.count, case .record(let record) = entry { mayBeUndone = record.version > rewinds[upcoming].lowest }
            try body(number, entry, mayBeUndone)
        }
        return reader.tornBytes
    }
}

extension LedgerState {
    /// The state after all records of the ledger at `path`; what a killed writer left at its end is passed over.
    /// - Throws: `LedgerError`, or `FileError`.
    public init(reading path: String) throws { try self.init(reading: path, LedgerScan(path)) }

    init(reading path: String, _ scan: LedgerScan) throws {
        var state = LedgerState()
        _ = try scan.run(path) { number, entry, mayBeUndone in
            guard number <= scan.wholeRecords else { return }
            switch entry {
            case .record(let record): state.apply(record, mayBeUndone: mayBeUndone)
            case .void: break
            case .damaged: throw LedgerError.damaged(path, record: number)
            }
        }
        self = state
    }
}
