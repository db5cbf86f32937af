import CPlatform
import Glibc
import Platform

/// The process that keeps actors alive on a host, whether or not anybody is connected. Thin: `KeeperMachine` decides.
///
/// When it is killed, the kernel ends its actors.
final class Keeper {
    private struct Child {
        let pid: Int32
        let output: Int32
    }

    private let folder: HostFolder
    private let lock: Int32
    private let log: KeptLog
    private let program: String
    private let arguments: [String]
    private var machine = KeeperMachine()
    private var children: [Int: Child] = [:]
    private var outcome: KeeperMachine.Outcome?
    /// How many actors run, as it stands in the folder.
    private var told: Int?

    /// - Returns: nil when another keeper is faster.
    init?(_ folder: HostFolder, program: String, arguments: [String]) throws {
        guard let lock = try folder.lock(.keeper) else { return nil }
        self.folder = folder
        self.lock = lock
        self.program = program
        self.arguments = arguments
        log = try KeptLog(folder)
    }

    /// Keeps the actors until all have left, or a signal ends them.
    func run() throws {
        // A session of its own: it goes on when the connection is gone.
        setsid()
        folder.remove("outcome")
        let signals = apus_signal_descriptor()
        try folder.write("\(getpid()) \(ProcessStart.ticks(of: getpid()) ?? 0)", to: "keeper")
        defer { for name in ["keeper", "running"] { folder.remove(name) } }
        while outcome == nil {
            takeWish()
            if outcome == nil { perform(machine.tick(now: .now)) }
            tellRunning()
            wait(signals)
            if apus_take_signals(signals) > 0 { perform(machine.stop(now: .now)) }
            drain()
            reap()
        }
        let result = outcome!
        try folder.write("finished \(result.finished) failed \(result.failed) restarts \(result.restarts)", to: "outcome")
    }

    /// Somebody asks for actors.
    private func takeWish() {
        guard let count = folder.takeWish() else { return }
        perform(machine.want(count, now: .now))
        tellRunning()
        folder.fulfilWish()
    }

    private func tellRunning() {
        guard machine.running != told else { return }
        told = machine.running
        try? folder.write("\(machine.running)", to: "running")
    }

    private func perform(_ actions: [KeeperMachine.Action]) {
        for action in actions {
            switch action {
            case .start(let index): start(index)
            case .signal(let index, let kills): if let child = children[index] { kill(child.pid, kills ? SIGKILL : SIGTERM) }
            case .log(let line): log.say(line)
            case .end(let outcome): self.outcome = outcome
            }
        }
    }

    private func start(_ index: Int) {
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments + ["--parent", "\(getpid())"]).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var (pid, output): (Int32, Int32) = (0, 0)
        let failure = apus_spawn(program, &words, environ, [], 0, &pid, &output)
        guard failure == 0 else {
            log.say("cannot start \(program): \(String(cString: strerror(failure)))")
            return perform(machine.ended(index, .code(127), now: .now))
        }
        children[index] = Child(pid: pid, output: output)
        log.say("actor \(index) is process \(pid)")
    }

    private func wait(_ signals: Int32) {
        var descriptors = (children.values.map(\.output) + [signals]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        // A child's end shows in its output's end; the time is for the wishes.
        poll(&descriptors, nfds_t(descriptors.count), 100)
    }

    private func drain() {
        for (index, child) in children { drain(child, of: index) }
    }

    private func drain(_ child: Child, of index: Int) {
        withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { buffer in
            while case let count = read(child.output, buffer.baseAddress, buffer.count), count > 0 {
                log.take(Array(buffer[..<count])[...], of: index)
            }
        }
    }

    private func reap() {
        for (index, child) in children {
            var status: Int32 = 0
            guard waitpid(child.pid, &status, WNOHANG) == child.pid else { continue }
            drain(child, of: index)
            close(child.output)
            log.finish(index)
            children[index] = nil
            perform(machine.ended(index, status & 0x7f == 0 ? .code((status >> 8) & 0xff) : .signal(status & 0x7f), now: .now))
        }
    }
}

/// When the kernel started a process, in ticks since it booted: with the process id, what no other process ever has.
enum ProcessStart {
    static func ticks(of pid: Int32) -> UInt64? {
        guard let stat = try? Files.read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(close + 2)...].split(separator: UInt8(ascii: " "))
        return fields.count > 19 ? UInt64(String(decoding: fields[19], as: UTF8.self)) : nil
    }
}
