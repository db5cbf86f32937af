import Platform

/// Appends to a run's ledger and keeps its state. One thread owns it.
///
/// Flush before acknowledging a rollout to its actor, so that no event is forgotten that somebody relies on; sync before writing a
/// checkpoint, so that the ledger on the disk is never behind the weights.
///
/// Opening it is a claim: from then on the ledger belongs to this life of the learner. One that was paused, replaced and goes on learns at its
/// next flush that somebody else has written, before it tells anybody of what it did; what it has appended by then is void.
public struct LedgerWriter: ~Copyable {
    public private(set) var state: LedgerState
    /// Bytes of a torn tail that were cut when the ledger was opened.
    public let cutBytes: Int
    /// For other threads of this learner: whether the ledger is still its own.
    public let claim: LedgerClaim
    private var buffer: [UInt8] = []

    /// Opens the ledger, or makes it, for a learner that begins with the policy `version`: 0, or that of the checkpoint it resumes from.
    ///
    /// A torn tail is cut off. A `started` record counts the learner's lives; trained events above `version` were undone with the weights: a
    /// `rewound` record says so.
    /// - Parameter weightsLife: the number that the learner's weights carry.
    /// - Throws: `LedgerError` for a file that is no ledger or is damaged before its end, or `FileError`.
    public init(_ path: String, startingAt version: UInt64 = 0, life weightsLife: UInt32 = 0) throws {
        let file = try AppendFile(path)
        if try file.length() < LedgerReader.headerByteCount {
            // Killed while making it: nothing was recorded.
            try file.truncate(to: 0)
            try file.append(LedgerReader.header)
        }
        var cutBytes = 0
        while true {
            let length = try file.length()
            let scan = try LedgerScan(path)
            let whole = LedgerReader.headerByteCount + scan.wholeRecords * LedgerRecord.byteCount
            let cut = max(0, length - whole)
            if cut > 0 { try file.truncate(to: whole) }
            cutBytes += cut
            var state = try LedgerState(reading: path, scan)
            let life = state.lives + 1
            let mustRewind = state.version > version
            let records =
                [LedgerRecord(.started, incarnation: life, sequence: UInt64(weightsLife), version: version)]
                + (mustRewind ? [LedgerRecord(.rewound, version: version)] : [])
            try file.append(records.flatMap { $0.bytes(writtenIn: life) })
            // A learner that is replaced here may have written at the same moment: then its records are read too, and the claim made again.
            guard try file.length() == whole + records.count * LedgerRecord.byteCount else { continue }
            if mustRewind {
                // Read again: only a pass that knows of the rewind keeps what it undoes.
                state = try LedgerState(reading: path)
            } else {
                state.apply(records[0])
            }
            try file.sync()
            claim = LedgerClaim(file, life: life, length: whole + records.count * LedgerRecord.byteCount)
            self.state = state
            self.cutBytes = cutBytes
            return
        }
    }

    /// Adds a record to the buffer and to the state; a contradiction is refused and not recorded.
    @discardableResult
    public mutating func append(_ record: LedgerRecord) -> LedgerState.Contradiction? {
        precondition(record.kind != .rewound, "a rewind happens when the ledger is opened")
        let contradiction = state.apply(record, mayBeUndone: false)
        if contradiction == nil { buffer += record.bytes(writtenIn: claim.life) }
        return contradiction
    }

    /// Hands everything to the system in one write: it survives the death of this process.
    /// On an error the records stay in the buffer, to be flushed when there is space again.
    /// - Throws: `LedgerError.superseded` when another learner has claimed the ledger: nothing that was flushed now counts.
    public mutating func flush() throws {
        guard !buffer.isEmpty else { return }
        try claim.append(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Waits until everything flushed is on the disk: it survives a loss of power.
    public func sync() throws(FileError) { try claim.sync() }
}
