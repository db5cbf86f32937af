import Glibc
import Platform

/// Which learner's lives began at which versions: tells whether what a life has made is part of the run's history.
public struct LedgerLineage: Sendable, Equatable {
    /// In the order of the lives.
    private var starts: [(life: UInt32, version: UInt64)] = []

    /// The lives in the ledger at `path`; none when there is no such file.
    public init(_ path: String) throws {
        var status = stat()
        // Shorter: its writer was killed while making it.
        guard stat(path, &status) == 0, Int(status.st_size) >= LedgerReader.headerByteCount else { return }
        var reader = try LedgerReader(path)
        while let entry = try reader.next() {
            if case .record(let record) = entry, record.kind == .started { starts.append((record.incarnation, record.version)) }
        }
    }

    /// Whether the weights of `version` as `life` made them were kept by all lives after it: none began below them.
    public func holds(version: UInt64, madeIn life: UInt32) -> Bool {
        !starts.contains { $0.life > life && $0.version < version }
    }

    public static func == (a: Self, b: Self) -> Bool { a.starts.elementsEqual(b.starts, by: ==) }
}
