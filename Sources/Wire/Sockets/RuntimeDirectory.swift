import Glibc
import Platform

/// A short folder of this process for unix sockets and what else must vanish with it.
///
/// It stands in `$XDG_RUNTIME_DIR` or `/tmp` rather than in the run directory, whose path may exceed what a unix socket's address can hold.
/// A process that was killed leaves it behind: the next one that makes such a folder removes it.
public enum RuntimeDirectory {
    private static let prefix = "apus-runtime-"

    /// The folder's lock is held as long as this process lives.
    public static func create() throws -> String { try open().path }

    /// The path, and a descriptor: its folder counts as abandoned once that is closed.
    static func open() throws -> (path: String, descriptor: Int32) {
        let base = getenv("XDG_RUNTIME_DIR").map { String(cString: $0) } ?? "/tmp"
        for candidate in [base, "/tmp"] where candidate.utf8.count < 60 {
            for name in (try? Files.list(candidate)) ?? [] where name.hasPrefix(prefix) { removeIfAbandoned("\(candidate)/\(name)") }
            var template = Array("\(candidate)/\(prefix)XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { continue }
            let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if let descriptor = lock(path) {
                if Files.exists(path) { return (path, descriptor) }
                close(descriptor)
            }
        }
        throw SocketError(
            problem: "cannot make a folder for sockets: \(String(cString: strerror(errno)))", place: base,
            remedy: "Make \(base) writable or set XDG_RUNTIME_DIR to a short path that is.")
    }

    private static func removeIfAbandoned(_ path: String) {
        guard let descriptor = lock(path) else { return }
        try? Files.remove(path)
        close(descriptor)
    }

    /// nil while another process holds it.
    private static func lock(_ path: String) -> Int32? {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}

/// A folder of `RuntimeDirectory` that vanishes with this object.
public final class RuntimeFolder: Sendable {
    public let path: String
    private let descriptor: Int32

    public init() throws { (path, descriptor) = try RuntimeDirectory.open() }

    deinit {
        try? Files.remove(path)
        close(descriptor)
    }
}
