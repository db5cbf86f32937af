import Glibc
import Platform

/// Watches a ledger that is being written: how many rollouts have been trained on since the last look.
public struct LedgerTail: Sendable {
    private let path: String
    private var offset = LedgerReader.headerByteCount

    public init(_ path: String) { self.path = path }

    /// 0 also while there is no ledger yet.
    public mutating func newlyTrained() throws -> Int {
        var status = stat()
        guard stat(path, &status) == 0, Int(status.st_size) >= offset + LedgerRecord.byteCount else { return 0 }
        var reader = try LedgerReader(path, from: offset)
        var trained = 0
        while let entry = try reader.next() {
            offset += LedgerRecord.byteCount
            switch entry {
            // Read from the midst of a life, whose number is not known there.
            case .record(let record), .void(let record): if record.kind == .trained { trained += 1 }
            case .damaged: break
            }
        }
        return trained
    }
}
