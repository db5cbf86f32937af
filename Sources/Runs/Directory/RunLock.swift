import Glibc
import Platform

/// The exclusive right to write in a run directory, held as long as this object lives. The kernel gives it back when the process dies.
public final class RunLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `RunDirectoryError.locked` with the holder's process id when another process (or another lock of this one) has it.
    public init(_ directory: RunDirectory) throws {
        let descriptor = open(directory.lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FileError("lock", directory.lockFile, code: errno) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            close(descriptor)
            guard code == EWOULDBLOCK else { throw FileError("lock", directory.lockFile, code: code) }
            let text = try Files.read(directory.lockFile)
            throw RunDirectoryError.locked(directory.path, holder: Int32(String(decoding: text, as: UTF8.self)))
        }
        // The id is for people; the lock itself is the kernel's.
        let text = String(getpid())
        guard ftruncate(descriptor, 0) == 0, write(descriptor, text, text.utf8.count) == text.utf8.count else {
            let code = errno
            close(descriptor)
            throw FileError("lock", directory.lockFile, code: code)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}

extension RunLock {
    /// The process that holds the lock, or held it last. Nothing is locked: whoever starts at this moment must not be told that the run is in use.
    public static func holder(of directory: RunDirectory) -> UInt32? {
        (try? Files.read(directory.lockFile)).flatMap { UInt32(String(decoding: $0, as: UTF8.self)) }
    }
}
