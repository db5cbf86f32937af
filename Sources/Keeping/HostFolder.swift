import Glibc
import Platform

/// What a keeper and those who look after it share on a host: one folder for each run.
///
///     keeper        the keeper's process id and when the kernel started it; gone when it has ended
///     keeper.lock   held by the keeper as long as it lives
///     spawn.lock    held by whoever starts a keeper
///     wish          how many actors somebody asks for; the keeper takes it away
///     running       how many actors run
///     outcome       what came of them, when all have ended
///     log.N         what the actors said; N is the place of its first byte in all that was ever said here
public struct HostFolder: Sendable {
    public let path: String

    public init(_ path: String) throws(FileError) {
        try Files.createDirectory(path)
        self.path = path
    }

    /// A lock of the kernel's: it is free again when its holder dies.
    public enum LockName: String, Sendable { case keeper = "keeper.lock", spawn = "spawn.lock" }

    /// - Returns: nil while another process holds it.
    func lock(_ name: LockName) throws(FileError) -> Int32? {
        let file = "\(path)/\(name.rawValue)"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError("lock", file, code: errno) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            close(descriptor)
            guard code == EWOULDBLOCK else { throw FileError("lock", file, code: code) }
            return nil
        }
        return descriptor
    }

    /// Whether a keeper lives here.
    func isKept() throws(FileError) -> Bool {
        guard let descriptor = try lock(.keeper) else { return true }
        close(descriptor)
        return false
    }

    // MARK: Small files

    func write(_ text: String, to name: String) throws(FileError) { try Files.writeAtomically(Array("\(text)\n".utf8), to: "\(path)/\(name)") }

    func read(_ name: String) -> String? {
        guard let bytes = try? Files.read("\(path)/\(name)") else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }

    func remove(_ name: String) { try? Files.remove("\(path)/\(name)") }

    /// Whether a wish waits to be fulfilled.
    var hasWish: Bool { Files.exists("\(path)/wish") || Files.exists("\(path)/wish.taken") }

    func fulfilWish() { remove("wish.taken") }

    /// How many actors were asked for since the last call; nil: nobody has.
    func takeWish() -> Int? {
        // Moved first: a wish that comes meanwhile is not lost.
        guard Files.exists("\(path)/wish"), (try? Files.move("\(path)/wish", to: "\(path)/wish.taken")) != nil else { return nil }
        return read("wish.taken").flatMap { Int($0) }
    }

    // MARK: The log

    /// The log's files by the place of their first byte, oldest first.
    func logs() -> [(start: Int, path: String)] {
        let names = (try? Files.list(path)) ?? []
        return names.compactMap { name in
            guard name.hasPrefix("log."), let start = Int(name.dropFirst(4)) else { return nil }
            return (start, "\(path)/\(name)")
        }.sorted { $0.start < $1.start }
    }

    /// The place behind the last byte.
    func logEnd() -> Int { logs().last.map { $0.start + Self.length($0.path) } ?? 0 }

    static func length(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}
