import Logging
import Platform
import Rollouts
import Tensors
import Wire

/// The learner's socket thread: streams and weights to the actors, control to the coordinator. Thin: what to do is decided by the state
/// machines.
final class LearnerSockets {
    private let desk: Guarded<LearnerDesk>
    private let wakeUp: WakeUp
    private let waits: WaitRegister
    private let context: SocketContext
    private let signals: Signals
    private let binding: LearnerBinding
    private let keys: Keys?
    private let log: Logger
    private var client = MembershipClient(hello: ProcessIdentity().hello(.learner))
    private var control: ControlLine?
    private var streams: Listener?
    private var weights: Listener?
    /// Asks the list that the coordinator sends; nil: there are no keys, or the sockets are unix sockets.
    private var door: KeyDoor?
    private var budget = MessageBudget(perSecond: 200, burst: 4 * Double(WireProtocol.maximumCredits))
    private var subscriptions = SubscriptionPace()
    private var intake: RolloutIntake?
    private var shape: RolloutShape?
    private var rolloutsPerUpdate = 1
    private var lastPublished: PublishedWeights?
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
            for listener in [streams, weights] { listener?.handshakes.look(now: .now) }
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

    // MARK: Weights and rollouts

    private func receiveSubscriptions() {
        while let frames = weights?.socket.receive() {
            // 1: a subscription, 0: its end. Whoever subscribes to its own topic gets the last value at once.
            let subscription = frames[0].withBytes { [UInt8]($0.prefix(WireProtocol.maximumTopicBytes + 2)) }
            let topic = Array(subscription.dropFirst())
            guard subscription.first == 1 else { continue }
            let isOwn = topic.starts(with: WireProtocol.ownTopicPrefix) && topic.count <= WireProtocol.maximumTopicBytes
            subscriptions.came(from: weights?.socket.sender, isKnown: isOwn || topic == WireProtocol.weightsTopic, now: .now)
            if isOwn { publish(topic) }
        }
        // Each topic takes memory until its connection ends.
        guard subscriptions.mustBeCut(now: .now) else { return }
        log.warning("somebody subscribes to what is not published: every connection for weights has to come back")
        do { try weights?.cut() } catch { end(.failed(error)) }
    }

    private func publish(_ topic: [UInt8]) {
        guard let lastPublished else { return }
        weights?.socket.send([.bytes(topic), .bytes(lastPublished.header.encoded()), .shared(lastPublished.parameters)])
    }

    /// Whether every version goes to everybody: of many actors, only the few that act next have a use for it, and what is sent to the others
    /// would cost more than all rollouts together.
    private var everybodyGetsEveryVersion: Bool { intake!.actors <= 4 * rolloutsPerUpdate }

    private func receiveStreams() {
        while let frames = streams?.socket.receive() {
            let peer = frames[0].withBytes { RolloutIntake.Peer($0) }
            var holder: UInt64 = 0
            if let door {
                // Revoked a moment ago, or allowed as something else.
                guard let key = door.list[streams?.socket.sender], key.roles.contains(.actor) else { continue }
                holder = key.key.fingerprint
            }
            if case .exceeded(let isFirst) = budget.spend(peer, now: .now) {
                if isFirst {
                    log.warning("a connection sends more messages than it may; they are thrown away")
                    perform(intake!.overloaded(by: peer))
                }
                continue
            }
            guard frames.count >= 2 else {
                perform(intake!.malformed(.frames(expected: 2, found: frames.count), from: peer))
                continue
            }
            do {
                receive(try StreamMessage(decoding: frames[1]), columns: Array(frames.dropFirst(2)), from: peer, holder)
            } catch {
                perform(intake!.malformed(error, from: peer))
            }
        }
    }

    private func receive(_ message: StreamMessage, columns: [SharedBytes], from peer: RolloutIntake.Peer, _ holder: UInt64) {
        guard case .rollout(let header) = message else { return perform(intake!.received(message, from: peer, holder: holder, now: .now)) }
        let actions = intake!.received(message, from: peer, now: .now)
        perform(actions.filter { $0 != .accept })
        guard actions.contains(.accept) else { return }
        // It came with a ticket: those are counted already.
        budget.refund(peer)
        do {
            let rollout = try header.rollout(columns: columns)
            try rollout.validate(shape!)
            let version = intake!.version
            desk.update {
                $0.queue.append(QueuedRollout(rollout: rollout, arrivedAt: version, holder: holder))
                $0.bytesReceived += UInt64(rollout.byteCount)
            }
        } catch {
            // The sequence number is used up: it must come to its end in the ledger.
            let nonFinite = (error as? RolloutError)?.isNonFinite ?? false
            desk.update { $0.failed.append(FailedRollout(header: header, problem: "\(error)", isNonFinite: nonFinite, holder: holder)) }
            perform(
                intake!.malformed(.invalid(field: "rollout \(header.id)", value: "\(error)", allowed: "see proto/apus.proto"), from: peer))
        }
    }

    private func perform(_ actions: [RolloutIntake.Action]) {
        for action in actions {
            switch action {
            case .send(let peer, let message): streams?.socket.send([.bytes(peer), .bytes(message.encoded())])
            case .accept: break
            case .weights(let place): if !everybodyGetsEveryVersion { publish(WireProtocol.weightsTopic(of: place)) }
            case .lost(let place, let sequences): desk.update { $0.lost.append((place, sequences)) }
            case .missing(let place, let produced):
                log.info("actor \(place) is silent, and some of its \(produced) rollouts are missing; it may come back with them")
                desk.update { $0.missing.append((place, produced)) }
            }
        }
    }

    // MARK: Training

    /// What the training thread has left on the desk: weights first, so that they are on their way before the acknowledgements that ask for
    /// them.
    private func serveTraining() {
        guard intake != nil else { return }
        let work = desk.read { desk in
            defer {
                desk.publish = nil
                desk.bound = nil
                desk.ended.removeAll(keepingCapacity: true)
                desk.records.removeAll(keepingCapacity: true)
            }
            return (publish: desk.publish, bound: desk.bound, ended: desk.ended, version: desk.version, records: desk.records, closing: desk.closing)
        }
        if let published = work.publish {
            lastPublished = published
            if everybodyGetsEveryVersion { publish(WireProtocol.weightsTopic) }
        }
        if let bound = work.bound { perform(intake!.bound(maxLag: bound)) }
        if !work.ended.isEmpty || work.version != intake!.version { perform(intake!.ended(work.ended, version: work.version)) }
        for record in work.records { perform(client.record(record)) }
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

    private func heartbeat(_ now: Time, _ records: (count: Int, oldest: Double?)) -> Heartbeat {
        let going = waits.going
        return desk.read { desk in
            let state = desk.meter.state(now: now)
            let counts = [
                Gauge("version", Double(desk.version)), Gauge("queued_rollouts", Double(desk.queue.count)),
                Gauge("open_rollouts", Double(intake?.open ?? 0)), Gauge("actors", Double(intake?.actors ?? 0)),
                Gauge("duplicates", Double(intake?.duplicates ?? 0)), Gauge("refused", Double(intake?.refused ?? 0)),
                Gauge("refused_keys", Double(door?.rejections.total ?? 0)), Gauge("dropped_messages", Double(budget.dropped)),
                Gauge("refused_handshakes", Double((streams?.refusedHandshakes ?? 0) + (weights?.refusedHandshakes ?? 0))),
                Gauge("rollouts_per_update", Double(desk.rolloutsNeeded)), Gauge("credits", Double(desk.credits)),
                Gauge("busy_seconds", state.name == ShareMeter.busy ? state.seconds : 0),
                Gauge("waiting_records", Double(records.count)), Gauge("bytes_received", Double(desk.bytesReceived)),
            ]
            return Heartbeat(
                token: 0, gauges: desk.gauges + counts, waits: waits(desk, state, going, records, now), wallTime: Time.wall,
                streams: intake?.progress(now: now) ?? [])
        }
    }

    /// Whom this process waits for, thread by thread.
    private func waits(
        _ desk: LearnerDesk, _ state: (name: String, seconds: Double), _ going: [WaitRegister.Entry], _ records: (count: Int, oldest: Double?),
        _ now: Time
    ) -> [Wait] {
        var waits = going.map { Wait($0, now: now) }
        if state.name != ShareMeter.busy {
            let obstacle = desk.obstacle
            waits.append(
                Wait(
                    resource: obstacle.resource, holder: obstacle.holder, seconds: state.seconds, thread: "training",
                    deadline: LearnerLoop.reportInterval))
        }
        if let limited = desk.limited, now - limited.since >= Self.longLimit {
            waits.append(
                Wait(
                    resource: "replayed batches", holder: "replay limiter", seconds: now - limited.since, thread: "training", detail: limited.why))
        }
        if let oldest = records.oldest, Time.wall - oldest >= Self.longRecord {
            waits.append(
                Wait(
                    resource: "receipts for \(records.count) records", holder: "coordinator", seconds: Time.wall - oldest,
                    thread: "sockets"))
        }
        return waits
    }

    /// What lasts shorter than this is how it goes, in seconds.
    private static let longLimit = 1.0
    private static let longRecord = 1.0

    private func end(_ ending: Ending) {
        desk.update { if $0.ending == nil { $0.ending = ending } }
    }
}

extension RolloutShape {
    /// The bytes of the observations, the largest of the columns.
    fileprivate var largestColumn: Int64 {
        var bytes = Int64(observation.byteCount)
        for extent in [steps + 1, maximumSlots] {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: Int64(extent))
            if overflow { return .max }
            bytes = product
        }
        return bytes
    }
}
