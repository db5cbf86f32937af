import Environments
import Logging
import Networks
import Platform
import Rollouts
import Tensors
import Wire
import Workers

/// The actor role: steps environments with a recent copy of the policy and streams rollouts to the learner.
///
/// Two threads: this one steps; `ActorSockets` owns the sockets. They meet at a desk: `welcome`, `weights` and tickets come in, rollouts go
/// out. What this thread waits for, the other one tells the coordinator, so that it is known even when an environment hangs.
public struct ActorRole: Sendable {
    private let coordinator: Endpoint
    private let context: SocketContext
    private let signals: Signals
    private let slots: Int?
    private let keys: Keys?
    private let permission: WorkerPermission
    private let catalogue: EnvironmentCatalogue
    private let log: Logger

    /// - Parameters:
    ///   - slots: instead of the run file's `actors.slots`.
    ///   - keys: this actor's identity and the coordinator's key; nil: it has none.
    ///   - workers: programs that a coordinator on another host may have started here (see `WorkerPermission`).
    ///   - catalogue: the environments that the run file may name.
    ///   - log: takes lines for people.
    public init(
        coordinator: Endpoint, context: SocketContext, signals: Signals = .none, slots: Int? = nil,
        keys: Keys? = nil, workers: [String] = [], catalogue: EnvironmentCatalogue = .current,
        log: Logger
    ) {
        self.coordinator = coordinator
        self.context = context
        self.signals = signals
        self.slots = slots
        self.keys = keys
        permission = WorkerPermission(coordinator: coordinator, allowed: workers)
        self.catalogue = catalogue
        self.log = log
    }

    /// Takes part in the run until it ends, a signal comes, or it is refused. Blocks.
    public func run() -> Ending {
        setBLASThreads(1)
        let desk = Guarded(ActorDesk(meter: ShareMeter("coordinator", now: .now)))
        let wakeUp = WakeUp()
        let (waits, clock) = (WaitRegister(), StepClock())
        let sockets = WorkThread("sockets") { [coordinator, context, signals, keys, log] in
            ActorSockets(desk: desk, wakeUp: wakeUp, waits: waits, clock: clock, context: context, signals: signals, keys: keys, log: log)
                .run(coordinator: coordinator)
        }
        let failure: (any Error)?
        do {
            try WaitRegister.$current.withValue(waits) { try step(desk, wakeUp, clock) }
            failure = nil
        } catch {
            failure = error
        }
        desk.update {
            if let failure { $0.ending = .failed(failure) }
            $0.stepping = false
        }
        wakeUp.signal()
        sockets.join()
        return desk.read { $0.ending } ?? .finished(reason: "done")
    }

    /// The stepping loop: a ticket and weights that satisfy it in, a rollout out.
    private func step(_ desk: Guarded<ActorDesk>, _ wakeUp: WakeUp, _ clock: StepClock) throws {
        guard let welcome = wait(desk, for: "a welcome from the coordinator at \(coordinator)", { $0.welcome }) else { return }
        guard var assignment = welcome.actor else { throw WireError.missing(field: "Welcome.actor") }
        assignment.slots = slots ?? assignment.slots
        try permission.check(assignment.environment.id)
        let environment = "\(assignment.environment.id), \(assignment.slots) slots"
        desk.update { $0.environment = environment }
        let sampler = try waiting(.init(thread: "stepping", resource: "start of the environments", holder: "environment", detail: environment)) {
            try assignment.source(place: welcome.place, credits: 8, catalogue: catalogue, clock: clock)
        }
        let layout = sampler.layout
        desk.update {
            $0.subscription = WeightsSubscription(
                run: welcome.run, parameters: layout.count + sampler.guidance, layout: layout.fingerprint)
            $0.outbox = RolloutOutbox(run: welcome.run, place: welcome.place)
        }
        wakeUp.signal()
        log.info("actor \(welcome.place) of \(welcome.runName): \(assignment.slots) slots of \(assignment.environment.id)")

        var loaded: (life: UInt32, version: UInt64)?
        while true {
            let weights = wait(desk, for: nil) { desk -> PublishedWeights? in
                guard let weights = desk.weights, desk.outbox!.takeTicket(holding: weights.version) else {
                    if let obstacle = desk.obstacle { desk.meter.enter(obstacle.resource, now: .now) }
                    return nil
                }
                desk.meter.enter(ShareMeter.busy, now: .now)
                return weights
            }
            guard let weights else { return }
            if loaded?.version != weights.version || loaded?.life != weights.header.life {
                weights.parameters.withBytes { sampler.load($0, version: weights.version, life: weights.header.life) }
                loaded = (weights.header.life, weights.version)
            }
            let rollout = try sampler.collect()
            let failures = sampler.takeFailures()
            for failure in failures where !failure.slots.isEmpty { log.warning("slots \(failure.slots) were restarted: \(failure.cause)") }
            let unverified = failures.filter(\.slots.isEmpty)
            // A verifier that raises does so again and again: one line for each rollout.
            if let first = unverified.first {
                log.warning("\(unverified.count) \(unverified.count == 1 ? "response was" : "responses were") not judged: \(first.cause)")
            }
            desk.update {
                $0.failures += UInt64(failures.count)
                $0.pending += $0.outbox!.produced(rollout)
                $0.frames += UInt64(rollout.frames)
            }
            wakeUp.signal()
        }
    }

    /// After so many seconds of waiting, and again and again, the log says what is awaited from whom.
    static let reportInterval = 10.0

    /// Waits for `condition`, or for the end of the run (nil). Says every ten seconds what is awaited.
    private func wait<Result>(_ desk: Guarded<ActorDesk>, for what: String?, _ condition: (inout ActorDesk) -> Result?) -> Result? {
        var waited = 0
        while true {
            // .some(nil): the run is over; nil: the time is.
            let outcome = desk.wait(until: .now + Self.reportInterval) { desk -> Result?? in
                if desk.ending != nil { return .some(nil) }
                return condition(&desk).map { .some($0) }
            }
            if let outcome { return outcome }
            waited += Int(Self.reportInterval)
            let missing = what ?? desk.read { $0.obstacle.map { "\($0.resource) from the \($0.holder)" } } ?? "a free core"
            log.info("waiting for \(missing) for \(waited) s")
        }
    }
}
