import Glibc
import Platform

/// A program with what it reads and says as pipes: the ssh of one command.
final class RemoteProcess {
    let pid: Int32
    private(set) var output: Int32
    private(set) var error: Int32
    private var input: Int32
    private var toSend: [UInt8]
    private var sent = 0
    private var errorRest: [UInt8] = []

    /// - Parameters:
    ///   - script: what it reads; its standard input stays open after that.
    ///   - file: what it reads instead.
    init(_ words: [String], script: String?, file: String?) throws {
        var (inputPipe, outputPipe, errorPipe): ([Int32], [Int32], [Int32]) = ([-1, -1], [-1, -1], [-1, -1])
        guard pipe(&inputPipe) == 0, pipe(&outputPipe) == 0, pipe(&errorPipe) == 0 else {
            throw FileError("make a pipe for", words[0], code: errno)
        }
        for descriptor in inputPipe + outputPipe + errorPipe { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let file {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, file, O_RDONLY, 0)
        } else {
            posix_spawn_file_actions_adddup2(&actions, inputPipe[0], STDIN_FILENO)
        }
        posix_spawn_file_actions_adddup2(&actions, outputPipe[1], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errorPipe[1], STDERR_FILENO)
        // Ctrl-C reaches only this program, which then ends in order what runs on the hosts.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for word in arguments { free(word) } }
        var pid: pid_t = 0
        let failure = posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, environ)
        for descriptor in [inputPipe[0], outputPipe[1], errorPipe[1]] { close(descriptor) }
        guard failure == 0 else {
            for descriptor in [inputPipe[1], outputPipe[0], errorPipe[0]] { close(descriptor) }
            throw FileError("start", words[0], code: failure)
        }
        self.pid = pid
        (input, output, error) = (inputPipe[1], outputPipe[0], errorPipe[0])
        toSend = Array((script ?? "").utf8)
        for descriptor in [input, output, error] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        send()
    }

    deinit { for descriptor in [input, output, error] where descriptor >= 0 { close(descriptor) } }

    /// Gives it more of the script, if it takes it.
    func send() {
        while sent < toSend.count {
            let count = toSend.withUnsafeBytes { write(input, $0.baseAddress! + sent, $0.count - sent) }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// What it wrote to standard output since the last call.
    func takeOutput() -> [UInt8] { Self.read(&output) }

    /// Whole lines that it wrote to standard error since the last call.
    func takeErrors(atEnd: Bool = false) -> [String] {
        errorRest += Self.read(&error)
        var lines: [String] = []
        while let end = errorRest.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(Self.line(errorRest[..<end]))
            errorRest.removeFirst(end + 1)
        }
        if atEnd, !errorRest.isEmpty {
            lines.append(Self.line(errorRest[...]))
            errorRest = []
        }
        return lines
    }

    /// ssh ends its lines as terminals want them.
    private static func line(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes, as: UTF8.self)
    }

    /// At its end a descriptor is closed, so that nobody waits for it any more.
    private static func read(_ descriptor: inout Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        guard descriptor >= 0 else { return bytes }
        withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { buffer in
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count > 0 {
                    bytes += buffer[..<count]
                } else if count == 0 {
                    close(descriptor)
                    descriptor = -1
                    return
                } else if errno != EINTR {
                    return
                }
            }
        }
        return bytes
    }

    /// Its exit code, 255 when a signal ended it; nil while it runs.
    func poll() -> Int32? {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 255
    }

    func end(_ signal: Int32) { kill(pid, signal) }
}
