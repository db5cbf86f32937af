import Acting
import Coordinating
import Learning
import Logging
import Platform
import Runs
import Wire

/// All roles of one run as threads of this process, over unix sockets in a folder of their own.
final class Cluster: Sendable {
    let folder: String
    let directory: RunDirectory
    let lines = Guarded<[String]>([])
    private let context = SocketContext()

    init(_ edit: (inout RunSpec) -> Void) throws {
        folder = try RuntimeDirectory.create()
        var spec = RunSpec()
        spec.actors.slots = 8
        spec.network.hidden = [16]
        spec.stop.frames = 20_000
        spec.stop.evaluationEpisodes = 3
        spec.metrics.everySeconds = 0.1
        edit(&spec)
        directory = try RunDirectory.create(runs: "\(folder)/runs", name: "test", spec: spec)
        try Files.createDirectory("\(folder)/sockets")
    }

    deinit { try? Files.remove(folder) }

    var control: Endpoint { get throws { try Endpoint("ipc://\(folder)/control") } }

    func coordinator(_ signal: Signal = Signal()) -> Running {
        Running { [self] in
            do {
                return try CoordinatorRole(directory, endpoint: control, context: context, signals: signal.signals, log: logger).lead()
            } catch { return .failed(error) }
        }
    }

    func learner(_ signal: Signal = Signal()) -> Running {
        Running { [self] in
            LearnerRole(
                coordinator: try! control, context: context, signals: signal.signals, binding: .folder("\(folder)/sockets", advertised: "\(folder)/sockets"),
                runs: "\(folder)/runs", log: logger
            ).run()
        }
    }

    func actor(_ signal: Signal = Signal()) -> Running {
        Running { [self] in ActorRole(coordinator: try! control, context: context, signals: signal.signals, log: logger).run() }
    }

    func impostor() throws -> Impostor { try Impostor(context, control) }

    /// Waits until the coordinator's status satisfies `condition`.
    func status(within seconds: Double = 10, _ condition: (Status) -> Bool) throws -> Status? {
        let client = try StatusClient(coordinator: control, context: context)
        let deadline = Time.now + seconds
        while Time.now < deadline {
            let status = try client.request(timeout: deadline - .now)
            if condition(status) { return status }
            Poll.wait(sockets: [], descriptors: [], milliseconds: 10)
        }
        return nil
    }

    var logger: Logger {
        Logger(label: "test") { [lines] _ in Lines(lines: lines) }
    }

    func logged(_ part: String) -> Bool { lines.read { $0.contains { $0.contains(part) } } }

    var metrics: [MetricsRecord] { get throws { try MetricsTable(directory.metrics).records } }
    var ledger: LedgerCheck.Report { get throws { try LedgerCheck.run(directory.ledger) } }
    var checkpoints: CheckpointStore { CheckpointStore(directory.checkpoints) }
}

/// Keeps what is logged.
private struct Lines: LogHandler {
    let lines: Guarded<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.update { $0.append(event.message.description) } }
}

/// A role on a thread.
struct Running {
    private let ending: Guarded<Ending?>
    private let thread: WorkThread

    init(_ role: @escaping @Sendable () -> Ending) {
        let ending = Guarded<Ending?>(nil)
        self.ending = ending
        thread = WorkThread("role", stackMegabytes: 8) {
            let result = role()
            ending.update { $0 = result }
        }
    }

    /// How it ended; nil when it has not within `seconds`.
    func end(within seconds: Double = 20) -> Ending? {
        let result = ending.wait(until: .now + seconds) { $0 }
        if result != nil { thread.join() }
        return result
    }
}

/// SIGINT for one role of a process that has several.
final class Signal: Sendable {
    private let event = WakeUp()
    var signals: Signals { Signals(descriptor: event.descriptor) }

    func interrupt() { event.signal() }
}

extension Ending {
    var isFinished: Bool { if case .finished = self { true } else { false } }
    var isInterrupted: Bool { if case .interrupted = self { true } else { false } }
}
