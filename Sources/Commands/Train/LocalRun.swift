import Glibc
import Platform
import Runs
import Wire

/// A run on this machine: coordinator, learner and actors as processes of their own over unix sockets, watched and restarted when they die.
///
/// The supervisor is no part of the run: it starts processes, asks the coordinator for the status like `apus status` does, and waits for the end.
final class LocalRun {
    /// What the supervisor tells about.
    enum Event {
        case status(Status)
        case restarted(String, pid: Int32, exit: Child.Exit, why: String)
        case stopping(String)
        /// The coordinator has left; the others are about to.
        case over
    }

    /// Where the roles find each other.
    struct Wiring {
        /// The folder of the sockets that the coordinator and the learner listen on.
        var listening: String
        /// The folder of the sockets that members are told to connect to.
        var connecting: String
    }

    private let directory: RunDirectory
    private let actors: Int
    /// Where the coordinator serves its metrics.
    private let http: Http?
    private let runtime: String
    private let wiring: Wiring
    private let transport: Transport
    private let endpoint: Endpoint
    /// This very program; without commands of its own for the roles, their programs lie beside it.
    private let program: String
    private let context = SocketContext()
    private let signals: Signals
    private var status: Socket
    private var children: [String: Child] = [:]
    private var restarts: [String: [Time]] = [:]
    /// Roles that left in order, and when: at the end of a run that is a moment before the coordinator itself leaves.
    private var left: [String: Time] = [:]
    private var signalCount = 0
    private var stopping = false
    private var failure: (any Error)?
    private var interrupted = false

    /// Where metrics are served, and whether other hosts may read them.
    struct Http {
        var address: String
        var isOpen: Bool
        var options: [String] { ["--http", address] + (isOpen ? ["--http-open"] : []) }
    }

    /// What the three roles talk over: unix sockets, or for measurements loopback, without keys and with the keys of a folder.
    enum Transport {
        case unix, tcp
        case curve(KeyFolder)

        var keys: KeyFolder? { if case .curve(let folder) = self { folder } else { nil } }
    }

    /// - Parameter rewire: puts something between the members: given the folder of this run's sockets, says where they find each other.
    init(
        _ directory: RunDirectory, actors: Int, http: Http? = nil, transport: Transport = .unix, signals: Signals,
        rewire: (String) throws -> Wiring = { Wiring(listening: $0, connecting: $0) }
    ) throws {
        self.transport = transport
        self.directory = directory
        self.actors = actors
        self.http = http
        self.signals = signals
        runtime = try RuntimeDirectory.create()
        wiring = try rewire(runtime)
        endpoint =
            switch transport {
            case .unix: try Endpoint("ipc://\(wiring.listening)/control")
            // Whoever listens there now is gone when the coordinator comes.
            case .tcp, .curve: try Socket(.router, in: SocketContext()).bind(Endpoint("tcp://127.0.0.1:*"))
            }
        program = try Files.readLink("/proc/self/exe")
        let keys = try transport.keys?.load()
        status = Socket(.dealer, in: context, linger: 0, security: try .client(keys, server: keys?.coordinator, at: endpoint))
        try status.connect(endpoint)
    }

    /// Process ids by role name, for measurements.
    var processes: [String: Int32] { children.mapValues(\.pid) }

    /// Ends the run as a signal would.
    func stop() {
        guard !stopping else { return }
        stopping = true
        children["coordinator"]?.signal(SIGTERM)
    }

    /// Runs to the end. Nothing is left behind: no process, no socket file.
    ///
    /// - Returns: whether a signal ended it.
    /// - Throws: when a role failed in a way that a restart does not mend.
    /// - Parameter turn: called some hundred times a second until the end.
    func run(turn: () throws -> Void = {}, _ report: (Event) -> Void) throws -> Bool {
        defer { clear() }
        for name in ["coordinator", "learner"] + (0..<actors).map({ "actor-\($0)" }) { try start(name) }
        var lastRequest = Time.zero
        while children["coordinator"] != nil {
            Poll.wait(sockets: [status], descriptors: signals.descriptors, milliseconds: 10)
            if signals.received(before: &signalCount, abandoning: clear) {
                interrupted = true
                report(.stopping("stopping: the learner writes a checkpoint (again to stop at once)"))
                stop()
            }
            while let frames = status.receive() {
                if case .status(let status)? = try? ControlMessage(decoding: frames[0], limit: WireProtocol.maximumStatusBytes) { report(.status(status)) }
            }
            if Time.now - lastRequest > 0.2 {
                lastRequest = .now
                status.send([.bytes(ControlMessage.statusRequest(protocol: WireProtocol.version).encoded())])
            }
            try watch(report)
            try turn()
        }
        report(.over)
        waitForOthers()
        if let failure { throw failure }
        return interrupted
    }

    // MARK: Processes

    private func start(_ name: String) throws {
        var coordinator = endpoint.description
        if case .unix = transport { coordinator = "ipc://\(wiring.connecting)/control" }
        var arguments: [String]
        switch name {
        case "coordinator": arguments = ["--run", directory.path, "--bind", endpoint.description] + (http?.options ?? [])
        case "learner":
            arguments = ["--coordinator", coordinator, "--runs", Files.parent(of: directory.path)]
            if case .unix = transport { arguments += ["--folder", wiring.listening, "--advertise", wiring.connecting] }
        default: arguments = ["--coordinator", coordinator]
        }
        if let keys = transport.keys { arguments += ["--keys", keys.path] }
        let role = String(name.prefix { $0 != "-" })
        let (program, words) = Roles.areInThisProgram ? (self.program, [role]) : ("\(Files.parent(of: self.program))/apus-\(role)", [])
        children[name] = try Child(name, program: program, arguments: words + arguments, log: "\(directory.log)/\(name).log")
    }

    /// Restarts what has died; gives up on what keeps dying, or says itself that it failed.
    private func watch(_ report: (Event) -> Void) throws {
        for (name, child) in children {
            guard let exit = child.poll() else { continue }
            children[name] = nil
            if stopping {
                noteEnd(name, exit)
                continue
            }
            // Exit code 0 of the coordinator: the run is over. Any other role leaves in order only when it is told so.
            if name == "coordinator", exit == .code(0) { continue }
            if name != "coordinator", exit == .code(0) {
                left[name] = .now
                continue
            }
            let why = exit.description
            // Who says itself that it failed may have taken its time to find out.
            let window = exit == .code(1) ? 120.0 : 10.0
            let recent = (restarts[name] ?? []).filter { Time.now - $0 < window }
            if (name == "learner" && exit == .code(1)) || recent.count >= 5 {
                fail(name, why, restarts: recent.count, within: window)
                report(.stopping("error: \(name) \(why); stopping the run"))
                stop()
                continue
            }
            restarts[name] = recent + [.now]
            try restart(name, exit, why, report)
        }
        for (name, time) in left where Time.now - time > 0.3 && !stopping && children["coordinator"] != nil {
            left[name] = nil
            try restart(name, .code(0), "left, and the run is not over", report)
        }
    }

    /// In the end, too, a learner that fails has lost a checkpoint, and a coordinator that fails the result.
    private func noteEnd(_ name: String, _ exit: Child.Exit) {
        switch (name, exit) {
        // SIGTERM ends only who has not begun.
        case ("learner", .code(1)), ("coordinator", .code(1)): fail(name, exit.description, restarts: 0)
        case ("learner", .signal(let number)) where number != SIGTERM: fail(name, exit.description, restarts: 0)
        default: break
        }
    }

    /// - Parameter window: in which it was restarted so often, in seconds.
    private func fail(_ name: String, _ why: String, restarts: Int, within window: Double = 0) {
        if failure == nil { failure = RoleFailure(name: name, why: why, log: "\(directory.log)/\(name).log", restarts: restarts, window: window) }
    }

    private func restart(_ name: String, _ exit: Child.Exit, _ why: String, _ report: (Event) -> Void) throws {
        try start(name)
        report(.restarted(name, pid: children[name]!.pid, exit: exit, why: why))
    }

    /// The coordinator is gone. It has told the others that the run is over, unless it was killed: then a signal does.
    private func waitForOthers() {
        let (patience, deadline) = (Time.now + 0.5, Time.now + 5)
        var told = false
        while !children.isEmpty, Time.now < deadline {
            for (name, child) in children {
                guard let exit = child.poll() else { continue }
                children[name] = nil
                noteEnd(name, exit)
            }
            if !told, Time.now > patience {
                told = true
                for child in children.values { child.signal(SIGTERM) }
            }
            if signals.received(before: &signalCount, abandoning: clear) { interrupted = true }
            usleep(1000)
        }
        if children["learner"] != nil { fail("learner", "did not end within 5 s of the coordinator", restarts: 0) }
    }

    /// Leaves nothing behind: no process, no socket file.
    private func clear() {
        killAll()
        try? Files.remove(runtime)
    }

    private func killAll() {
        for child in children.values { child.signal(SIGKILL) }
        for child in children.values {
            var status: Int32 = 0
            waitpid(child.pid, &status, 0)
        }
        children = [:]
    }

}

/// A role that a restart does not mend.
struct RoleFailure: Remediable {
    let name: String
    let why: String
    let log: String
    let restarts: Int
    let window: Double

    var problem: String {
        let last = lastLines
        return "the \(name) \(why)" + (restarts > 0 ? " for the \(restarts + 1)th time in \(Format.decimal(window, 0)) s" : "") + (last.isEmpty ? "" : ":\n\(last)\n")
    }
    var place: String { log }
    var remedy: String { "Mend what the log says, then go on with --resume." }

    private var lastLines: String {
        guard let bytes = try? Files.read(log) else { return "" }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { $0.contains("error") || $0.contains("Error:") }
        return lines.suffix(3).joined(separator: "\n")
    }
}
