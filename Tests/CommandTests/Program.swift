import Glibc
import Platform
import Testing

/// One of Apus's programs, as it was built beside the tests.
struct Program {
    let pid: pid_t
    private let folder: String

    struct Result {
        /// The exit code; 128 and the signal for a program that was killed.
        let code: Int32
        let output: String
        let error: String

        /// The last line of the output, which every command with --json makes one object.
        func json() throws -> JSON {
            let last = try #require(output.split(separator: "\n").last, "no output; \(error)")
            return try JSON.parse(Array(last.utf8), place: "the last line")
        }
    }

    /// The folder of the test bundle, where the build puts all programs.
    static let folder: String = (try? Files.readLink("/proc/self/exe")).map(Files.parent) ?? "."

    /// Starts it with its output going to files in `folder`.
    ///
    /// - Parameter name: of a program of the build, or a path.
    init(_ name: String, _ arguments: [String], in folder: String) throws {
        let path = name.hasPrefix("/") ? name : "\(Self.folder)/\(name)"
        self.folder = "\(folder)/.program-\(UInt32.random(in: 0 ... .max))"
        try Files.createDirectory(self.folder)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "\(self.folder)/output", O_WRONLY | O_CREAT, 0o644)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "\(self.folder)/error", O_WRONLY | O_CREAT, 0o644)
        var words: [UnsafeMutablePointer<CChar>?] = (["env", "-C", folder, path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        // env changes to the folder and becomes the program.
        var pid: pid_t = 0
        let status = posix_spawn(&pid, "/usr/bin/env", &actions, nil, &words, environ)
        try #require(status == 0, "cannot start \(path): \(String(cString: strerror(status)))")
        self.pid = pid
    }

    /// Waits for its end; a program that hangs is killed after `patience` seconds.
    func result(patience: Double = 60) throws -> Result {
        let deadline = Time.now + patience
        var status: Int32 = 0
        while waitpid(pid, &status, WNOHANG) == 0 {
            if Time.now > deadline { kill(pid, SIGKILL) }
            usleep(2000)
        }
        func text(_ name: String) throws -> String { String(decoding: try Files.read("\(folder)/\(name)"), as: UTF8.self) }
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        return Result(code: code, output: try text("output"), error: try text("error"))
    }

    /// Runs `apus` to its end in `folder`.
    static func apus(_ arguments: [String], in folder: String) throws -> Result { try Program("apus", arguments, in: folder).result() }
}

/// Runs `body` with a fresh directory and removes it afterwards.
func inScratch<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = "/tmp/apus-commands-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectory(folder)
    defer { try? Files.remove(folder) }
    return try body(folder)
}

/// A file of this test target.
func fixture(_ name: String) -> String { "\(Files.parent(of: #filePath))/Fixtures/\(name)" }
