import Glibc
import Platform

/// Writes scalars for TensorBoard: one new event file per writer in the run's directory, which TensorBoard reads together with those
/// before.
public final class TensorBoardWriter: Sendable {
    /// The file written to.
    public let path: String
    private let file: AppendFile

    /// Begins `events.out.tfevents.SECONDS.HOST.PID` in `directory`; a number follows where that name is taken.
    public init(directory: String, now: Double = Time.wall) throws(FileError) {
        let base = "\(directory)/events.out.tfevents.\(Int(now)).\(Self.host).\(getpid())"
        var path = base
        var number = 1
        while Files.exists(path) {
            path = "\(base).\(number)"
            number += 1
        }
        self.path = path
        file = try AppendFile(path)
        try file.append(TFRecord.framed(TensorBoardEvent.fileVersion(wallTime: now)))
    }

    /// Adds the record's scalars at the step `frames`, and its version as one more; the values become Float32.
    public func append(_ record: MetricsRecord) throws(FileError) {
        let scalars = [(name: "version", value: Double(record.version))] + record.scalars
        try file.append(TFRecord.framed(TensorBoardEvent.scalars(scalars, step: Int64(clamping: record.frames), wallTime: record.time)))
    }

    private static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
