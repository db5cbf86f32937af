import Glibc
import Platform

/// The programs of Apus, as they lie beside the test bundle.
enum Program: String {
    case apus
    case actor = "apus-actor"
    case learner = "apus-learner"
    case coordinator = "apus-coordinator"

    func path() throws -> String {
        let path = Files.parent(of: try Files.readLink("/proc/self/exe")) + "/\(rawValue)"
        guard Files.exists(path) else { throw Trouble("\(path) is missing: build with `swift build -c release --build-tests`") }
        return path
    }
}

/// What went wrong in a scenario, in words.
struct Trouble: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A process of a scenario, with its output in files.
final class Launched {
    enum Exit: Equatable {
        case code(Int32)
        case signal(Int32)
    }

    let name: String
    let pid: Int32
    private let files: String
    private var exit: Exit?

    /// - Parameter files: where its output goes: FILES.out and FILES.err.
    /// - Parameter terminal: what it reads from and writes to instead, as the leader of a session.
    init(_ name: String, program: String, arguments: [String], environment: [String], files: String, terminal: String? = nil) throws {
        self.name = name
        self.files = files
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, terminal ?? "/dev/null", terminal == nil ? O_RDONLY : O_RDWR, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, terminal ?? "\(files).out", O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "\(files).err", O_WRONLY | O_CREAT | O_APPEND, 0o644)
        func words(_ list: [String]) -> [UnsafeMutablePointer<CChar>?] { list.map { strdup($0) } + [nil] }
        let (argumentWords, environmentWords) = (words([program] + arguments), words(environment))
        defer { for word in argumentWords + environmentWords { free(word) } }
        var pid: pid_t = 0
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // POSIX_SPAWN_SETSID, which Glibc's module does not show.
        if terminal != nil { posix_spawnattr_setflags(&attributes, 0x80) }
        let status = posix_spawn(&pid, program, &actions, &attributes, argumentWords, environmentWords)
        guard status == 0 else { throw Trouble("cannot start \(program): \(String(cString: strerror(status)))") }
        self.pid = pid
    }

    var output: String { text("\(files).out") }
    var errors: String { text("\(files).err") }
    private func text(_ path: String) -> String { (try? Files.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// How it ended; nil while it runs.
    func poll() -> Exit? {
        if exit != nil { return exit }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        exit = status & 0x7f == 0 ? .code((status >> 8) & 0xff) : .signal(status & 0x7f)
        return exit
    }

    /// How it ended.
    /// - Throws: when it has not ended within `seconds`; what it said stands in the error.
    @discardableResult
    func wait(within seconds: Double) throws -> Exit {
        let deadline = Time.now + seconds
        while Time.now < deadline {
            if let exit = poll() { return exit }
            usleep(2000)
        }
        if let exit = poll() { return exit }
        throw Trouble("\(name) has not ended within \(seconds) s. \(said)")
    }

    /// What it said last, for a person who reads why a test failed.
    var said: String { "It said:\n\(output.suffix(2000))\(errors.suffix(4000))" }

    func signal(_ number: Int32) {
        if poll() == nil { kill(pid, number) }
    }

    /// kill −9, and takes note of its end: a process that nobody takes note of looks alive to the others.
    func killNow() {
        signal(SIGKILL)
        _ = try? wait(within: 10)
    }
}
