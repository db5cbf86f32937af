import Logging
import Platform
import Rollouts
import Tensors
import Wire

/// The actor's socket thread: control to the coordinator, stream and weights to the learner. Thin: what to do is decided by the state
/// machines.
final class ActorSockets {
    private let desk: Guarded<ActorDesk>
    private let wakeUp: WakeUp
    private let context: SocketContext
    private let signals: Signals
    private let keys: Keys?
    private let log: Logger
    private var client = MembershipClient(hello: ProcessIdentity().hello(.actor))
    private var control: ControlLine?
    private var stream: Connection?
    private var weights: Connection?
    private var location: LearnerLocation?
    private var signalCount = 0
    private var lastFrames: (count: UInt64, time: Time)
    private let waits: WaitRegister
    private var steps: StepObserver

    init(
        desk: Guarded<ActorDesk>, wakeUp: WakeUp, waits: WaitRegister, clock: StepClock, context: SocketContext, signals: Signals, keys: Keys?,
        log: Logger
    ) {
        self.desk = desk
        self.wakeUp = wakeUp
        self.waits = waits
        steps = StepObserver(clock)
        self.context = context
        self.signals = signals
        self.keys = keys
        self.log = log
        lastFrames = (0, .now)
    }

    func run(coordinator: Endpoint) {
        do {
            control = try ControlLine(coordinator, keys: keys, context: context)
        } catch {
            return end(.failed(error))
        }
        while true {
            // Until everything is connected, connections are tried in short turns: every start waits for them.
            let settled = client.isRegistered && desk.read { $0.outbox?.isAttached ?? false }
            Poll.wait(
                sockets: (control?.sockets ?? []) + [stream, weights].flatMap { $0?.sockets ?? [] }, descriptors: [wakeUp.descriptor] + signals.descriptors,
                milliseconds: settled ? 100 : 5)
            wakeUp.drain()
            if signals.received(before: &signalCount) { end(.interrupted) }
            receiveControl()
            receiveWeights()
            receiveStream()
            sendPending()
            tick()
            if desk.read({ $0.ending != nil && !$0.stepping }), leave() { return }
        }
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
            case .located(let location):
                self.location = location
                desk.update { $0.located = true }
            case .departed, .adjust, .allowed: break
            case .stop(let reason): end(.finished(reason: reason))
            case .refused(let refusal): end(refusal.code == .finished ? .finished(reason: refusal.problem) : .refused(refusal))
            }
        }
        connectToLearner()
    }

    private var connected: LearnerLocation?

    /// Opens the stream and the subscription once both the learner's address and this actor's network are known.
    private func connectToLearner() {
        guard let location, location != connected, desk.read({ $0.outbox != nil }) else { return }
        do {
            let (rollouts, published) = try (Endpoint(location.rollouts), Endpoint(location.weights))
            let newStream = Socket(.dealer, in: context, security: try .client(keys, server: location.key, at: rollouts))
            let newWeights = Socket(.subscriber, in: context, receiveLimit: 4, security: try .client(keys, server: location.key, at: published))
            (stream, weights) = try (Connection(newStream, to: rollouts, context: context), Connection(newWeights, to: published, context: context))
            newWeights.subscribe(WireProtocol.weightsTopic)
            newWeights.subscribe(WireProtocol.weightsTopic(of: desk.read { $0.outbox!.place }))
            connected = location
            perform(desk.update { $0.outbox!.connected(now: .now) })
        } catch {
            end(.failed(error))
        }
    }

    // MARK: Stream and weights

    private func receiveStream() {
        stream?.look(now: .now)
        weights?.look(now: .now)
        let fault = stream?.fault?.fault
        desk.read { $0.streamFault = fault }
        while let frames = stream?.socket.receive() {
            guard let message = try? StreamMessage(decoding: frames[0]) else {
                log.info("the learner sent a message that is not of this protocol; ignored")
                continue
            }
            if case .refusal(let refusal) = message, refusal.code != .unknownMember { log.info("the learner refuses: \(refusal)") }
            perform(desk.update { $0.outbox!.received(message, now: .now) })
        }
    }

    private func receiveWeights() {
        // Only the newest of those that have arrived is worth a look.
        var newest: [SharedBytes]?
        while let frames = weights?.socket.receive() { newest = frames }
        guard let frames = newest else { return }
        do {
            guard frames.count == 3 else { throw WireError.frames(expected: 3, found: frames.count) }
            let published = try PublishedWeights(header: frames[1], parameters: frames[2])
            guard published.parameters.withBytes(Tensors.allFinite) else {
                throw WireError.invalid(field: "weights frame", value: "not finite", allowed: "finite numbers")
            }
            try desk.update { desk in
                if try desk.subscription!.accept(published.header) { desk.weights = published }
            }
        } catch let refusal as Refusal {
            end(.refused(refusal))
        } catch {
            log.info("weights ignored: \(error)")
        }
    }

    private func sendPending() {
        connectToLearner()
        perform(
            desk.read { desk in
                defer { desk.pending.removeAll(keepingCapacity: true) }
                return desk.pending
            })
    }

    private func perform(_ actions: [RolloutOutbox.Action]) {
        for action in actions {
            switch action {
            case .send(let message):
                if stream?.socket.send([.bytes(message.encoded())]) != true { desk.read { $0.outbox!.notSent() } }
            case .sendRollout(let rollout):
                let header = RolloutHeader(rollout).encoded()
                let sent = stream?.socket.send([.bytes(header)] + rollout.columnFrames.map { .shared($0) })
                if sent != true { desk.read { $0.outbox!.notSent() } }
            case .end(let reason, let refusal):
                end(refusal.map { Ending.refused($0) } ?? .finished(reason: reason))
            }
        }
    }

    // MARK: Time

    private func tick() {
        let now = Time.now
        _ = steps.look(now: now)
        perform(client.tick(now: now) { heartbeat(now) })
        for line in waits.overdue(now: now) { log.warning("\(line)") }
        let (actions, renew) = desk.update { desk -> ([RolloutOutbox.Action], Bool) in
            guard desk.outbox != nil, stream != nil else { return ([], false) }
            return (desk.outbox!.tick(now: now), desk.subscription!.needs(desk.outbox!.missingVersion, now: now))
        }
        perform(actions)
        if renew { weights?.socket.subscribe(WireProtocol.weightsTopic(of: desk.read { $0.outbox!.place })) }
    }

    private func heartbeat(_ now: Time) -> Heartbeat {
        let going = waits.going
        let stepping = steps.look(now: now)
        return desk.read { desk in
            let state = desk.meter.state(now: now)
            var gauges = desk.meter.take(now: now).map {
                Gauge($0.name == ShareMeter.busy ? "busy_share" : "wait_share/\($0.name)", $0.share)
            }
            gauges.append(Gauge("frames_per_second", Double(desk.frames - lastFrames.count) / max(now - lastFrames.time, 1e-3)))
            lastFrames = (desk.frames, now)
            gauges.append(Gauge("frames", Double(desk.frames)))
            gauges.append(Gauge("environment_failures", Double(desk.failures)))
            if let typical = steps.typical { gauges.append(Gauge("step_seconds", typical)) }
            if let outbox = desk.outbox {
                gauges.append(Gauge("produced", Double(outbox.nextSequence - 1)))
                gauges.append(Gauge("unacknowledged", Double(outbox.unacknowledgedCount)))
                if let silence = outbox.silence(now: now) { gauges.append(Gauge("learner_silent_seconds", silence)) }
                if let held = desk.weights?.version {
                    gauges.append(Gauge("version", Double(held)))
                    gauges.append(Gauge("publish_lag", Double(outbox.learnerVersion - min(held, outbox.learnerVersion))))
                }
            }
            return Heartbeat(token: 0, gauges: gauges, waits: waits(desk, state, going, stepping, now), wallTime: Time.wall)
        }
    }

    /// Whom this process waits for, thread by thread.
    private func waits(
        _ desk: ActorDesk, _ state: (name: String, seconds: Double), _ going: [WaitRegister.Entry], _ stepping: (step: UInt64, since: Time)?,
        _ now: Time
    ) -> [Wait] {
        var waits = going.map { Wait($0, now: now) }
        if state.name != ShareMeter.busy, going.isEmpty, let obstacle = desk.obstacle {
            waits.append(
                Wait(
                    resource: obstacle.resource, holder: obstacle.holder, seconds: state.seconds, thread: "stepping",
                    deadline: ActorRole.reportInterval, detail: obstacle.detail))
        }
        // A worker's wait says more than the step that it is part of.
        if let stepping, going.isEmpty, now - stepping.since >= Self.longStep {
            waits.append(
                Wait(
                    resource: "environment step", holder: "environment", seconds: now - stepping.since, thread: "stepping",
                    detail: "step \(stepping.step) of \(desk.environment)"))
        }
        if let oldest = desk.outbox?.oldest, now - oldest.since >= Self.longAcknowledgement {
            waits.append(
                Wait(
                    resource: "acknowledgement of rollout \(oldest.sequence)", holder: "learner", seconds: now - oldest.since,
                    thread: "sockets"))
        }
        return waits
    }

    /// What lasts shorter than this is part of every step, or of every update, in seconds.
    private static let longStep = 0.25
    private static let longAcknowledgement = 0.5

    // MARK: End

    private func end(_ ending: Ending) {
        desk.update { if $0.ending == nil { $0.ending = ending } }
    }

    private var leaving: (since: Time, streamSeen: Time)?

    /// How long the learner is asked to take what was made, and how long there may be no stream to it meanwhile, in seconds.
    private static let handOverLimit = 5.0
    private static let streamLimit = 1.5

    /// Hands over what was made. Returns whether it is time to go.
    private func leave() -> Bool {
        let now = Time.now
        let ending = desk.read { $0.ending }
        let reason = ending?.description ?? "done"
        if leaving == nil {
            leaving = (now, now)
            perform(desk.update { $0.outbox?.leave(reason: reason) ?? [] })
        }
        let (isDone, isAttached, left) = desk.read { ($0.outbox?.hasHandedOver ?? true, $0.outbox?.isAttached ?? false, $0.outbox?.unacknowledgedCount ?? 0) }
        if isAttached { leaving!.streamSeen = now }
        switch ending {
        // The run is over, or has no place for this actor: nobody waits for more.
        case .finished, .refused, nil: break
        case .interrupted, .failed:
            guard isDone || now - leaving!.since > Self.handOverLimit || now - leaving!.streamSeen > Self.streamLimit else { return false }
            if !isDone { log.warning("the learner did not confirm the last \(left) rollouts") }
        }
        perform(client.goodbye(reason: reason))
        return true
    }
}
