import Logging
import Platform
import Rollouts
import Tensors
import Wire

/// The learner's socket thread: streams and weights to the actors, control to the coordinator. Thin: what to do is decided by the state
/// machines. What comes over its streams: `LearnerSockets+Streams`; what it tells the coordinator of itself: `LearnerSockets+Heartbeat`.
final class LearnerSockets {
    let desk: Guarded<LearnerDesk>
    private let wakeUp: WakeUp
    let waits: WaitRegister
    private let context: SocketContext
    private let signals: Signals
    private let binding: LearnerBinding
    private let keys: Keys?
    let log: Logger
    private var client = MembershipClient(hello: ProcessIdentity().hello(.learner))
    private var control: ControlLine?
    var streams: Listener?
    var weights: Listener?
    /// Asks the list that the coordinator sends; nil: there are no keys, or the sockets are unix sockets.
    var door: KeyDoor?
    var budget = MessageBudget(perSecond: 200, burst: 4 * Double(WireProtocol.maximumCredits))
    var subscriptions = SubscriptionPace()
    var intake: RolloutIntake?
    var shape: RolloutShape?
    var rolloutsPerUpdate = 1
    var lastPublished: PublishedWeights?
    private var signalCount = 0
    /// The learner whose place this one waits for, as the coordinator has put it; said once.
    private var waitsFor: String?

    init(
        desk: Guarded<LearnerDesk>, wakeUp: WakeUp, waits: WaitRegister, context: SocketContext, signals: Signals, binding: LearnerBinding,
        keys: Keys?, log: Logger
    ) {
        self.desk = desk
        self.wakeUp = wakeUp
        self.waits = waits
        self.context = context
        self.signals = signals
        self.binding = binding
        self.keys = keys
        self.log = log
    }

    func run(coordinator: Endpoint) {
        do {
            control = try ControlLine(coordinator, keys: keys, context: context)
        } catch {
            return end(.failed(error))
        }
        while true {
            Poll.wait(
                sockets: polled, descriptors: [wakeUp.descriptor] + signals.descriptors, milliseconds: client.isRegistered ? 100 : 5)
            wakeUp.drain()
            door?.serve(now: .now)
            for listener in [streams, weights] { listener?.look(now: .now, door: door) }
            if signals.received(before: &signalCount) { end(.interrupted) }
            receiveControl()
            open()
            receiveSubscriptions()
            receiveStreams()
            serveTraining()
            tick()
            if let reason = desk.read({ $0.done }) {
                perform(client.goodbye(reason: reason))
                return
            }
        }
    }

    private var polled: [Socket] {
        let listening = [streams, weights].flatMap { $0.map { [$0.socket, $0.handshakes.events] } ?? [] }
        return (control?.sockets ?? []) + listening + (door.map { [$0.socket] } ?? [])
    }

    // MARK: Control

    private func receiveControl() {
        if let refusal = control?.look(isMember: client.place != nil, now: .now) { end(.refused(refusal)) }
        while let frames = control?.socket.receive() {
            guard let message = try? ControlMessage(decoding: frames[0]) else {
                log.info("the coordinator sent a message that is not of this protocol; ignored")
                continue
            }
            perform(client.received(message, now: .now))
        }
    }

    private func perform(_ actions: [MembershipClient.Action]) {
        for action in actions {
            switch action {
            case .send(let message):
                if control?.socket.send([.bytes(message.encoded())]) != true { client.notSent() }
            case .joined(let welcome): desk.update { $0.welcome = welcome }
            case .located: break
            case .allowed(let list): allow(list)
            case .departed(let place, let cause, let ended):
                guard intake != nil else { break }
                log.info("actor \(place) \(ended ? "is gone" : "cannot be reached by the coordinator"): \(cause)")
                if ended { perform(intake!.departed(place)) } else { intake!.doubted(place, now: .now) }
            case .stop(let reason): end(.finished(reason: reason))
            case .adjust(let maxLag):
                log.info("learner.max_lag is \(maxLag) from now on")
                desk.update { $0.maxLag = Int(maxLag) }
            case .refused(let refusal):
                // Its predecessor may just have died: the place is free as soon as the coordinator has noticed.
                if refusal.code == .occupied, desk.read({ $0.welcome == nil }) {
                    if waitsFor != refusal.problem { log.info("waiting: \(refusal)") }
                    waitsFor = refusal.problem
                } else {
                    end(refusal.code == .finished ? .finished(reason: refusal.problem) : .refused(refusal))
                }
            }
        }
    }

    // MARK: Actors

    /// Binds the sockets once the training thread has resumed, and lets the coordinator tell the actors.
    private func open() {
        guard intake == nil, let opening = desk.read({ $0.opening }) else { return }
        do {
            let frameLimit = min(opening.shape.largestColumn, WireProtocol.maximumFrameBytes)
            let (streamsAt, weightsAt) = try binding.endpoints
            if keys != nil, streamsAt.crossesNetwork {
                door = try KeyDoor(allowed ?? AllowList(), context: context)
                if allowed == nil { log.warning("the coordinator has not said who may connect: nobody may until it is started with --keys") }
            }
            let streams = try Listener(at: streamsAt, context: context) { [context, keys] in
                Socket(
                    .router, in: context, frameLimit: max(frameLimit, Int64(WireProtocol.maximumMessageBytes)),
                    security: .server(keys, at: streamsAt))
            }
            let weights = try Listener(at: weightsAt, context: context) { [context, keys] in
                // Subscribers send nothing but the name of the topic, and before that the frames of a handshake.
                Socket(.publisher, in: context, sendLimit: 4, frameLimit: 1024, security: .server(keys, at: weightsAt))
            }
            (self.streams, self.weights) = (streams, weights)
            var location = LearnerLocation(
                rollouts: binding.told(streams.endpoint), weights: binding.told(weights.endpoint), life: opening.intake.life)
            location.key = door == nil ? nil : keys?.identity.publicKey
            intake = RolloutIntake(opening.intake, version: opening.version)
            shape = opening.shape
            rolloutsPerUpdate = opening.intake.rolloutsPerUpdate
            lastPublished = opening.weights
            perform(client.announce(location))
            log.info("listening for rollouts on \(location.rollouts), publishing weights on \(location.weights)")
        } catch {
            end(.failed(error))
        }
    }

    // MARK: Keys

    private var allowed: AllowList?

    /// Lets in whom the coordinator allows, and cuts off who may not stay.
    private func allow(_ list: AllowList) {
        let revoked = allowed.map { list.revoked(since: $0) } ?? []
        allowed = list
        guard let door else { return }
        door.list = list
        guard revoked.contains(where: door.mayBeInside) else { return }
        log.warning("\(revoked.count) keys were revoked: every actor has to come back")
        cut()
    }

    private func cut() {
        do {
            try streams?.cut()
            try weights?.cut()
        } catch {
            end(.failed(error))
        }
    }

    // MARK: Training

    /// What the training thread has left on the desk: weights first, so that they are on their way before the acknowledgements that ask for
    /// them.
    private func serveTraining() {
        // A warm-up has records before there is anybody to serve.
        let records = desk.read { desk in
            defer { desk.records.removeAll(keepingCapacity: true) }
            return desk.records
        }
        for record in records { perform(client.record(record)) }
        guard intake != nil else { return }
        let work = desk.read { desk in
            defer {
                desk.publish = nil
                desk.bound = nil
                desk.ended.removeAll(keepingCapacity: true)
            }
            return (publish: desk.publish, bound: desk.bound, ended: desk.ended, version: desk.version, closing: desk.closing)
        }
        if let published = work.publish {
            lastPublished = published
            if !intake!.isAddressed { publish(WireProtocol.weightsTopic) }
        }
        if let bound = work.bound { perform(intake!.bound(maxLag: bound)) }
        if !work.ended.isEmpty || work.version != intake!.version { perform(intake!.ended(work.ended, version: work.version)) }
        if let closing = work.closing, !closed {
            closed = true
            perform(intake!.stop(reason: closing))
        }
        let (actors, duplicates, refused, waiting) = (intake!.actors, intake!.duplicates, intake!.refused, client.waitingRecords)
        let changed = desk.read { $0.actors != actors || $0.waitingRecords != waiting || (closed && !$0.streamsClosed && actors == 0) }
        guard changed else { return }
        desk.update {
            ($0.actors, $0.duplicates, $0.refused, $0.waitingRecords) = (actors, duplicates, refused, waiting)
            $0.streamsClosed = closed && actors == 0
        }
    }

    private var closed = false

    private func tick() {
        let now = Time.now
        // While the machine ticks nobody may look into it.
        let records = (count: client.waitingRecords, oldest: client.oldestRecordTime)
        perform(client.tick(now: now) { heartbeat(now, records) })
        for line in waits.overdue(now: now) { log.warning("\(line)") }
        if intake != nil { perform(intake!.tick(now: now)) }
    }

    func end(_ ending: Ending) {
        desk.update { if $0.ending == nil { $0.ending = ending } }
    }
}
