import Platform

/// The right of one life of the learner to write in a run directory: the ledger ends where this life's last record ends.
///
/// Who follows a learner appends to its ledger, and that takes the right away. So the order is: write, look whether the right still stands, and
/// only then let anybody rely on what was written (acknowledge a rollout, publish weights, move a checkpoint to its place).
public final class LedgerClaim: Sendable {
    public let life: UInt32
    private let file: AppendFile
    /// Where the file must end.
    private let length: Guarded<Int>

    init(_ file: AppendFile, life: UInt32, length: Int) {
        self.file = file
        self.life = life
        self.length = Guarded(length)
    }

    func append(_ bytes: [UInt8]) throws {
        try length.read { length in
            try check(&length, from: length)
            let before = length
            try file.append(bytes)
            length += bytes.count
            try check(&length, from: before)
        }
    }

    func sync() throws(FileError) { try file.sync() }

    /// - Throws: `LedgerError.superseded` when another learner has claimed the ledger.
    public func check() throws { try length.read { try check(&$0, from: $0) } }

    /// - Parameter start: where others may have written since the last look.
    private func check(_ length: inout Int, from start: Int) throws {
        let found = try file.length()
        guard found != length else { return }
        // A learner that this one has replaced may have got a record in: it is void, and no claim.
        guard found > length, try !isClaimed(from: start, to: found) else { throw LedgerError.superseded(file.path, life: life) }
        length = found
    }

    private func isClaimed(from start: Int, to end: Int) throws -> Bool {
        var reader = try LedgerReader(file.path, from: start)
        var position = start
        while position < end, let entry = try reader.next() {
            position += LedgerRecord.byteCount
            switch entry {
            case .record(let record), .void(let record): if record.kind == .started, record.incarnation > life { return true }
            case .damaged: return true
            }
        }
        return false
    }
}
