import Acting
import Environments
import Logging
import Methods
import Networks
import Platform
import Rollouts
import Runs
import Tensors
import Wire
import Workers

/// The learner role: takes rollouts, corrects for their age, updates and publishes the policy.
///
/// Threads: this one trains; `LearnerSockets` owns the sockets; `CheckpointWriter` flushes to the disk. The first two meet at a desk.
public struct LearnerRole: Sendable {
    private let coordinator: Endpoint
    private let context: SocketContext
    private let signals: Signals
    private let binding: LearnerBinding
    private let runs: String
    private let keys: Keys?
    private let permission: WorkerPermission
    private let catalogue: EnvironmentCatalogue
    private let log: Logger

    /// - Parameters:
    ///   - runs: the folder that holds the run directories; checkpoints and ledger go to `runs/NAME/`.
    ///   - keys: this learner's identity, which it proves to the coordinator and to actors; nil: it has none.
    ///   - workers: programs that a coordinator on another host may have started here (see `WorkerPermission`).
    ///   - catalogue: the environments that the run file may name.
    ///   - log: takes lines for people.
    public init(
        coordinator: Endpoint, context: SocketContext, signals: Signals = .none, binding: LearnerBinding, runs: String,
        keys: Keys? = nil, workers: [String] = [], catalogue: EnvironmentCatalogue = .current, log: Logger
    ) {
        self.coordinator = coordinator
        self.context = context
        self.signals = signals
        self.binding = binding
        self.runs = runs
        self.keys = keys
        permission = WorkerPermission(coordinator: coordinator, allowed: workers)
        self.catalogue = catalogue
        self.log = log
    }

    /// Trains until the run's stopping rule holds, a signal or the coordinator asks to stop, or something fails. Blocks.
    public func run() -> Ending {
        let desk = Guarded(LearnerDesk(meter: ShareMeter("coordinator", now: .now)))
        let (wakeUp, waits) = (WakeUp(), WaitRegister())
        let sockets = WorkThread("sockets") { [coordinator, context, signals, binding, keys, log] in
            LearnerSockets(desk: desk, wakeUp: wakeUp, waits: waits, context: context, signals: signals, binding: binding, keys: keys, log: log)
                .run(coordinator: coordinator)
        }
        let ending: Ending
        do {
            ending = try WaitRegister.$current.withValue(waits) { try train(desk, wakeUp, waits) }
        } catch let ended as EndedBeforeTraining {
            ending = ended.ending
        } catch {
            ending = .failed(error)
        }
        desk.update { $0.done = ending.description }
        wakeUp.signal()
        sockets.join()
        return ending
    }

    private func train(_ desk: Guarded<LearnerDesk>, _ wakeUp: WakeUp, _ waits: WaitRegister) throws -> Ending {
        guard let welcome = welcome(desk) else { return desk.read { $0.ending } ?? .interrupted }
        let spec = try RunSpec.parse(welcome.runFile, place: "the run file from the coordinator")
        try permission.check(spec.environment.id)
        setBLASThreads(spec.learner.threads)
        let directory = RunDirectory(path: "\(runs)/\(welcome.runName)")
        try Files.createDirectory(directory.path)
        let loop = try LearnerLoop(
            spec: spec, directory: directory, run: welcome.run, life: welcome.place.incarnation, desk: desk, wakeUp: wakeUp, waits: waits,
            catalogue: catalogue, log: log)
        return try loop.run()
    }

    private func welcome(_ desk: Guarded<LearnerDesk>) -> Welcome? {
        var waited = 0
        while true {
            let result = desk.wait(until: .now + 10) { desk -> Welcome?? in
                if desk.ending != nil { return .some(nil) }
                return desk.welcome.map { .some($0) }
            }
            if let result { return result }
            waited += 10
            log.info("waiting for a welcome from the coordinator at \(coordinator) for \(waited) s")
        }
    }
}
