import Glibc
import Platform
import Wire

/// A spawn on several hosts: the processes around the sessions. Thin: what to do is decided by `HostSession`.
public final class HostSpawn {
    public struct Host {
        public let plan: HostPlan
        let keys: [HostKeys.File]
        public fileprivate(set) var session: HostSession
    }

    private let program: String
    private let ssh: SSH
    private let script: HostScript
    private let signals: Signals
    private let atOnce: Int
    private let say: (String, String) -> Void
    public private(set) var hosts: [Host]
    private var processes: [Int: RemoteProcess] = [:]
    /// Commands that wait for their turn.
    private var queue: [(host: Int, command: HostSession.Command)] = []
    private var outputRests: [Int: [UInt8]] = [:]
    private var signalCount = 0

    /// - Parameters:
    ///   - program: what is copied to the hosts.
    ///   - atOnce: how many hosts are connected to, copied to or stopped at one time. Those that are attached do not count.
    ///   - say: takes the name of a host and a line.
    public init(
        _ plans: [HostPlan], keys: HostKeys?, program: String, script: HostScript, ssh: SSH, detached: Bool, signals: Signals, atOnce: Int,
        say: @escaping (String, String) -> Void
    ) throws {
        self.program = program
        self.script = script
        self.ssh = ssh
        self.signals = signals
        self.atOnce = atOnce
        self.say = say
        hosts = try plans.map { plan in
            Host(plan: plan, keys: try keys?.files(for: plan) ?? [], session: HostSession(plan, script: script, detached: detached))
        }
    }

    /// Starts the actors, and stays until they have left everywhere; a signal ends them.
    ///
    /// - Returns: whether a signal did.
    public func run() -> Bool { loop { $0.start() } }

    /// Ends what runs on the hosts.
    public func stop() { _ = loop { $0.stop() } }

    private func loop(_ first: (inout HostSession) -> [HostSession.Action]) -> Bool {
        var interrupted = false
        for index in hosts.indices { perform(first(&hosts[index].session), index) }
        while !hosts.allSatisfy(\.session.isOver) {
            launch()
            wait()
            if signals.received(before: &signalCount, abandoning: abandon) {
                interrupted = true
                say("", "stopping the actors (again to leave them running)")
                for index in hosts.indices { perform(hosts[index].session.stop(), index) }
            }
            for index in hosts.indices { serve(index) }
        }
        leave()
        return interrupted
    }

    private func perform(_ actions: [HostSession.Action], _ index: Int) {
        for action in actions {
            switch action {
            case .say(let line): say(hosts[index].plan.destination, line)
            case .abandon:
                if let process = processes[index] {
                    process.end(SIGTERM)
                } else {
                    // It has not begun.
                    queue.removeAll { $0.host == index }
                    perform(hosts[index].session.ended(code: 255, now: .now), index)
                }
            case .run(let command): queue.append((index, command))
            }
        }
    }

    /// Starts what waits, as far as the limit allows.
    private func launch() {
        var busy = processes.keys.filter { hosts[$0].session.state != .attached }.count
        while busy < atOnce, !queue.isEmpty {
            let (index, command) = queue.removeFirst()
            let plan = hosts[index].plan
            do {
                switch command {
                case .begin(let incoming, let position):
                    let detached = hosts[index].session.detached
                    let text = script.begin(plan, incoming: incoming, from: position, detached: detached, keys: hosts[index].keys)
                    processes[index] = try RemoteProcess(ssh.script(plan), script: text, file: nil)
                case .copy(let path): processes[index] = try RemoteProcess(ssh.copy(plan, to: path), script: nil, file: program)
                case .stop: processes[index] = try RemoteProcess(ssh.script(plan), script: script.stop(plan), file: nil)
                }
                busy += 1
            } catch {
                perform(hosts[index].session.heard("\(error)"), index)
                perform(hosts[index].session.ended(code: 127, now: .now), index)
            }
        }
    }

    private func wait() {
        var descriptors = signals.descriptors
        for process in processes.values { descriptors += [process.output, process.error].filter { $0 >= 0 } }
        var items = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&items, nfds_t(items.count), 50)
    }

    private func serve(_ index: Int) {
        if let process = processes[index] {
            process.send()
            let code = process.poll()
            for line in process.takeErrors(atEnd: code != nil) { perform(hosts[index].session.heard(line[...]), index) }
            pass(process.takeOutput(), of: index)
            if let code {
                processes[index] = nil
                perform(hosts[index].session.ended(code: code, now: .now), index)
            }
        }
        perform(hosts[index].session.tick(now: .now), index)
    }

    /// Whole lines of what the actors say, with the host's name.
    private func pass(_ bytes: [UInt8], of index: Int) {
        guard !bytes.isEmpty else { return }
        hosts[index].session.received(bytes.count)
        var rest = outputRests[index, default: []] + bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            say(hosts[index].plan.destination, String(decoding: rest[..<end], as: UTF8.self))
            rest.removeFirst(end + 1)
        }
        outputRests[index] = rest
    }

    /// Closes the shared connections.
    private func leave() {
        guard ssh.sockets != nil else { return }
        let leaving = hosts.compactMap { try? RemoteProcess(ssh.leave($0.plan), script: nil, file: "/dev/null") }
        let deadline = Time.now + 3
        for process in leaving { while process.poll() == nil, Time.now < deadline { usleep(5000) } }
    }

    /// A second signal: the connections end, the actors go on.
    private func abandon() {
        for process in processes.values { process.end(SIGKILL) }
        leave()
        say("", "left the actors running: apus spawn --stop ends them")
    }
}
