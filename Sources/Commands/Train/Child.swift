import Glibc
import Platform

/// A program that this one started, with its output in a file.
///
/// It leads a process group of its own, so that Ctrl-C reaches only the supervisor, and is told to die with it.
struct Child {
    let name: String
    let pid: Int32
    let started: Time

    enum Exit: Equatable, CustomStringConvertible {
        case code(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .code(let code): "ended with exit code \(code)"
            case .signal(let number): "was killed by signal \(number)"
            }
        }
    }

    /// - Throws: when the program is missing or cannot be started.
    init(_ name: String, program: String, arguments: [String], log: String) throws {
        self.name = name
        started = .now
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)

        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments + ["--parent", "\(getpid())"]).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let status = posix_spawn(&pid, program, &actions, &attributes, &words, environ)
        guard status == 0 else {
            throw ChildError(problem: "cannot start \(program): \(String(cString: strerror(status)))", place: name)
        }
        self.pid = pid
    }

    /// How it ended; nil while it runs.
    func poll() -> Exit? {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        return status & 0x7f == 0 ? .code((status >> 8) & 0xff) : .signal(status & 0x7f)
    }

    func signal(_ number: Int32) { kill(pid, number) }
}

struct ChildError: Remediable {
    let problem: String
    let place: String
    let remedy = "Build all of Apus with `make build`: the programs of the three roles must lie beside `apus`."
}
