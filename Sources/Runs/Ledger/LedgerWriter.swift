import Platform

/// Appends to a run's ledger and keeps its state. One thread owns it.
///
/// Flush before acknowledging a rollout to its actor, so that no event is forgotten that somebody relies on; sync before writing a
/// checkpoint, so that the ledger on the disk is never behind the weights.
public struct LedgerWriter: ~Copyable {
    public private(set) var state: LedgerState
    /// Bytes of a torn tail that were cut when the ledger was opened.
    public let cutBytes: Int
    private let file: AppendFile
    private var buffer: [UInt8] = []

    /// Opens the ledger, or makes it, for a learner that begins with the policy `version`: 0, or that of the checkpoint it resumes from.
    ///
    /// A torn tail is cut off. Trained events above `version` were undone with the weights: a `rewound` record says so. Then a `started`
    /// record counts the learner's lives.
    /// - Parameter life: the number that the learner's weights carry.
    /// - Throws: `LedgerError` for a file that is no ledger or is damaged before its end, or `FileError`.
    public init(_ path: String, startingAt version: UInt64 = 0, life: UInt32 = 0) throws {
        let file = try AppendFile(path)
        let length = try file.length()
        if length < LedgerReader.headerByteCount {
            // Killed while making it: nothing was recorded.
            try file.truncate(to: 0)
            try file.append(LedgerReader.header)
        }
        let scan = try LedgerScan(path)
        let whole = LedgerReader.headerByteCount + scan.wholeRecords * LedgerRecord.byteCount
        let cut = max(0, length - whole)
        if cut > 0 { try file.truncate(to: whole) }
        var state = try LedgerState(reading: path, scan)
        if state.version > version {
            try file.append(LedgerRecord(.rewound, version: version).bytes)
            // Read again: only a pass that knows of the rewind keeps what it undoes.
            state = try LedgerState(reading: path)
        }
        let start = LedgerRecord(.started, incarnation: state.lives + 1, sequence: UInt64(life), version: version)
        state.apply(start)
        try file.append(start.bytes)
        try file.sync()
        self.file = file
        self.state = state
        cutBytes = cut
    }

    /// Adds a record to the buffer and to the state; a contradiction is refused and not recorded.
    @discardableResult
    public mutating func append(_ record: LedgerRecord) -> LedgerState.Contradiction? {
        precondition(record.kind != .rewound, "a rewind happens when the ledger is opened")
        let contradiction = state.apply(record, mayBeUndone: false)
        if contradiction == nil { buffer += record.bytes }
        return contradiction
    }

    /// Hands everything to the system in one write: it survives the death of this process.
    /// On an error the records stay in the buffer, to be flushed when there is space again.
    public mutating func flush() throws(FileError) {
        guard !buffer.isEmpty else { return }
        try file.append(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Waits until everything flushed is on the disk: it survives a loss of power.
    public func sync() throws(FileError) { try file.sync() }
}
