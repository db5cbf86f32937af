import Glibc
import Platform

/// Reads a ledger from front to end in bounded memory.
public struct LedgerReader: ~Copyable {
    static let magic = [UInt8]("APUSLEDG".utf8)
    static let formatVersion: UInt32 = 1
    static let headerByteCount = 16
    /// Magic, format version u32, zero u32.
    static let header: [UInt8] = magic + withUnsafeBytes(of: formatVersion.littleEndian, Array.init) + [0, 0, 0, 0]

    public enum Entry: Sendable, Equatable {
        case record(LedgerRecord)
        /// Written by a life of the learner that another one had already followed: it never happened.
        case void(LedgerRecord)
        /// 32 bytes that are no record.
        case damaged
    }

    public let path: String
    /// Bytes after the last whole record: what a killed writer left.
    public private(set) var tornBytes = 0
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 32_768 * LedgerRecord.byteCount)
    private var filled = 0
    private var position = 0
    /// The number of the learner's life that the ledger belongs to here.
    private var life: UInt32 = 0

    /// - Throws: `LedgerError` when the file is no ledger, or `FileError`.
    public init(_ path: String) throws { try self.init(path, from: Self.headerByteCount) }

    /// - Parameter offset: of the first record to read, in bytes.
    init(_ path: String, from offset: Int) throws {
        self.path = path
        descriptor = try Self.opened(path, at: offset)
    }

    private static func opened(_ path: String, at offset: Int) throws -> Int32 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("read", path, code: errno) }
        do {
            var head = [UInt8](repeating: 0, count: headerByteCount)
            let count = head.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress!, $0.count) }
            guard count == headerByteCount, head.starts(with: magic) else { throw LedgerError.notALedger(path) }
            guard head == header else {
                throw LedgerError.unknownFormat(path, version: head[8 ..< 12].reversed().reduce(0) { $0 << 8 | UInt32($1) })
            }
            guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw FileError("read", path, code: errno) }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// The next entry; nil at the end, where `tornBytes` becomes known.
    public mutating func next() throws(FileError) -> Entry? {
        if position + LedgerRecord.byteCount > filled {
            try fill()
            guard filled >= LedgerRecord.byteCount else {
                tornBytes = filled
                return nil
            }
        }
        defer { position += LedgerRecord.byteCount }
        guard let record = buffer.withUnsafeBytes({ LedgerRecord($0, at: position) }) else { return .damaged }
        if record.kind == .started {
            // A number that is taken already: this claim came too late, and was made again under the next one.
            guard record.writer == 0 || record.incarnation > life else { return .void(record) }
            life = record.incarnation
        }
        return record.isWritten(in: life) ? .record(record) : .void(record)
    }

    /// Moves what is left to the front and reads until the buffer is full or the file ends.
    private mutating func fill() throws(FileError) {
        let left = filled - position
        for index in 0 ..< left { buffer[index] = buffer[position + index] }
        (position, filled) = (0, left)
        while filled < buffer.count {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + filled, $0.count - filled) }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError("read", path, code: errno)
            }
            if count == 0 { return }
            filled += count
        }
    }
}

/// A file that cannot be used as a ledger.
public enum LedgerError: Remediable, Equatable {
    case notALedger(String)
    case unknownFormat(String, version: UInt32)
    /// `record` counts from 1.
    case damaged(String, record: Int)
    /// Another learner has claimed the ledger since this one did, in its life `life`.
    case superseded(String, life: UInt32)

    public var problem: String {
        switch self {
        case .notALedger: "this file is no ledger: it does not begin with APUSLEDG"
        case .unknownFormat(_, let version): "the ledger has format \(version), this program knows format \(LedgerReader.formatVersion)"
        case .damaged(_, let record): "record \(record) of the ledger is damaged, and whole ones follow it"
        case .superseded(_, let life): "another learner has taken over this run from life \(life) of the learner"
        }
    }
    public var place: String {
        switch self {
        case .notALedger(let path), .unknownFormat(let path, _), .damaged(let path, _), .superseded(let path, _): path
        }
    }
    public var remedy: String {
        switch self {
        case .notALedger: "Give the file named ledger in a run's directory."
        case .unknownFormat: "Use the version of Apus that wrote it."
        case .damaged:
            "Nothing was changed. apus ledger check tells what is in it. Restore the file from a copy, or start a new run."
        case .superseded: "Nothing to do if that was meant; otherwise stop one of the two. This one has left everything as it was."
        }
    }
}
