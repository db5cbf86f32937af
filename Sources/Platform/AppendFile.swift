import Glibc

/// A file that only grows: a journal. Each `append` adds all its bytes or none.
public final class AppendFile: Sendable {
    public let path: String
    private let descriptor: Int32

    /// Opens `path` to append, and makes it if there is none.
    public init(_ path: String) throws(FileError) {
        self.path = path
        descriptor = try Files.opened(path, O_WRONLY | O_CREAT | O_APPEND, "open")
    }

    deinit { close(descriptor) }

    /// The file's length in bytes.
    public func length() throws(FileError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError("measure", path, code: errno) }
        return Int(status.st_size)
    }

    /// Adds all of `bytes`. When the disk is full in the midst of them, what was added is taken back, so that a later append starts at a
    /// record's boundary.
    public func append(_ bytes: [UInt8]) throws(FileError) {
        let before = try length()
        let failure = bytes.withUnsafeBytes { Files.writeAll($0, to: descriptor) }
        guard failure == 0 else {
            // A device such as /dev/full has no length to restore; the write's own error is the one to report.
            ftruncate(descriptor, before)
            throw FileError("write", path, code: failure)
        }
    }

    /// Returns when everything appended so far is on the disk.
    public func sync() throws(FileError) {
        guard fdatasync(descriptor) == 0 else { throw FileError("flush", path, code: errno) }
    }

    /// Cuts the file to `length` bytes.
    public func truncate(to length: Int) throws(FileError) {
        guard ftruncate(descriptor, length) == 0 else { throw FileError("truncate", path, code: errno) }
    }
}
