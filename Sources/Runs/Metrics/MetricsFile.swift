import Platform

/// Appends records to `metrics.jsonl`: whole lines only, each handed to the system at once.
public final class MetricsWriter: Sendable {
    private let file: AppendFile

    /// Opens the file, or makes it, and cuts off a last line that a killed writer left unfinished.
    public init(_ path: String) throws(FileError) {
        file = try AppendFile(path)
        let bytes = try Files.read(path)
        let whole = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if whole < bytes.count { try file.truncate(to: whole) }
    }

    public func append(_ record: MetricsRecord) throws(FileError) { try file.append([UInt8]((record.line + "\n").utf8)) }
}

/// The records of a run, as columns for plotting.
public struct MetricsTable: Sendable {
    public let records: [MetricsRecord]

    /// Reads `metrics.jsonl`, while it is being written too: an unfinished last line is passed over.
    /// - Throws: `MetricsError` for a line that is no record, or `FileError`.
    public init(_ path: String) throws {
        let bytes = try Files.read(path)
        let whole = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let lines = bytes[..<whole].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
        records = try lines.enumerated().map { number, line in
            guard let record = MetricsRecord(line: Array(line)) else {
                throw MetricsError(path: path, line: number + 1)
            }
            return record
        }
    }

    /// The names that have values: time, version and frames, then the scalars in the order in which they first appear.
    public var names: [String] {
        var seen: Set<String> = []
        return ["time", "version", "frames"] + records.flatMap { $0.scalars.map(\.name) }.filter { seen.insert($0).inserted }
    }

    /// The points (x, y) of the records that have both.
    public func points(_ y: String, over x: String = "frames") -> [(x: Double, y: Double)] {
        records.compactMap { record in
            guard let x = record.value(x), let y = record.value(y) else { return nil }
            return (x, y)
        }
    }
}

/// A line of `metrics.jsonl` that is no record.
public struct MetricsError: Remediable, Equatable {
    public let path: String
    /// Counts from 1.
    public let line: Int

    public init(path: String, line: Int) {
        self.path = path
        self.line = line
    }
    public var problem: String { "line \(line) is no record of metrics" }
    public var place: String { path }
    public var remedy: String { "Remove that line, or restore the file from a copy." }
}
