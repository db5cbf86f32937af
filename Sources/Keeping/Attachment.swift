import CPlatform
import Glibc
import Platform

/// The far end of `apus spawn`'s connection to a host: sees to it that a keeper with enough actors is there, and passes on what they say.
///
/// Standard output carries the log's bytes and nothing else, so that whoever counts them knows where to go on after a cut connection.
/// Standard error carries reports: lines that begin with `@apus`.
struct Attachment {
    let folder: HostFolder
    let program: String
    let arguments: [String]
    let count: Int
    /// The address that actors are to reach; only looked at.
    let coordinator: (host: String, port: UInt16)?

    /// - Parameters:
    ///   - position: where in the log to go on; nil at the first connection.
    ///   - detached: come back as soon as the actors are started.
    func run(from position: Int?, detached: Bool) throws {
        if let coordinator, let problem = Reach.problem(host: coordinator.host, port: coordinator.port, seconds: 5) {
            report("unreachable \(problem)")
        }
        let start = try ensureKeeper(resuming: position != nil, at: position)
        if detached { return }
        let end = try follow(from: start)
        report(end)
    }

    private func report(_ line: String) { Console.error("@apus \(line)") }

    // MARK: The keeper

    /// - Returns: where in the log to begin.
    private func ensureKeeper(resuming: Bool, at position: Int?) throws -> Int {
        let lock = try waitForTurn()
        defer { close(lock) }
        let end = folder.logEnd()
        let from = position.map { min($0, end) } ?? end
        if try folder.isKept() {
            let before = folder.read("running").flatMap { Int($0) } ?? 0
            // Who comes back after a cut connection asks for nothing new.
            if !resuming {
                try folder.write("\(count)", to: "wish")
                try patiently("the keeper's answer") { !folder.hasWish }
            }
            let now = folder.read("running").flatMap { Int($0) } ?? before
            let other = folder.read("program").map { $0 == program ? "" : " other-program" } ?? ""
            report("attached running \(now) started \(max(now - before, 0)) position \(from)\(other)")
        } else if resuming, folder.read("outcome") != nil {
            report("attached running 0 started 0 position \(from)")
        } else {
            for name in ["outcome", "keeper", "running", "wish.taken"] { folder.remove(name) }
            try folder.write("\(count)", to: "wish")
            try folder.write(program, to: "program")
            let pid = try startKeeper()
            try patiently("the keeper's start") {
                if waitpid(pid, nil, WNOHANG) == pid { return true }
                return !folder.hasWish
            }
            report("attached running \(folder.read("running") ?? "0") started \(count) position \(from)")
        }
        return from
    }

    /// Two that come at once take turns: the second one finds the first one's keeper.
    private func waitForTurn() throws -> Int32 {
        var lock: Int32?
        try patiently("\(folder.path)/spawn.lock, which another spawn holds") {
            lock = try folder.lock(.spawn)
            return lock != nil
        }
        return lock!
    }

    private func patiently(_ what: String, _ condition: () throws -> Bool) throws {
        let deadline = Time.now + 20
        while try !condition() {
            guard Time.now < deadline else { throw KeepingError(what: what, place: folder.path) }
            usleep(20_000)
        }
    }

    private func startKeeper() throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "\(folder.path)/keeper.log", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        let own = ["--state", folder.path, "--keep", "\(count)", "--keeper"]
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments + own).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, program, &actions, nil, &words, environ)
        guard failure == 0 else { throw FileError("start", program, code: failure) }
        return pid
    }

    // MARK: The log

    /// Passes on the log until the keeper has ended.
    ///
    /// - Returns: what came of the actors, as a report.
    private func follow(from start: Int) throws -> String {
        var position = start
        while true {
            // Asked before reading: what it said last is read still.
            let isKept = try folder.isKept()
            while let next = passOn(from: position) { position = next }
            if !isKept { return folder.read("outcome").map { "over \($0)" } ?? "keeper-lost" }
            // The near end closes its side when it leaves or dies, and the connection does when it is cut.
            var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            if poll(&input, 1, 100) > 0 {
                var byte: UInt8 = 0
                if read(STDIN_FILENO, &byte, 1) <= 0 { _exit(0) }
            }
        }
    }

    /// - Returns: the place behind what was passed on; nil when there is nothing more yet.
    private func passOn(from position: Int) -> Int? {
        // What has been removed since is skipped.
        let logs = folder.logs()
        guard let file = logs.last(where: { $0.start <= position && position < $0.start + HostFolder.length($0.path) })
            ?? logs.first(where: { $0.start > position })
        else { return nil }
        let start = max(position, file.start)
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { buffer in
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(start - file.start))
            guard count > 0 else { return nil }
            var sent = 0
            while sent < count {
                let written = write(STDOUT_FILENO, buffer.baseAddress! + sent, count - sent)
                if written < 0 && errno != EINTR { _exit(0) }
                sent += max(written, 0)
            }
            return start + count
        }
    }
}

struct KeepingError: Remediable {
    let what: String
    let place: String
    var problem: String { "waited 20 s in vain for \(what)" }
    var remedy: String { "Look at keeper.log there, or end what is there with: apus spawn --stop" }
}
