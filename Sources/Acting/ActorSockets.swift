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

    init(desk: Guarded<ActorDesk>, wakeUp: WakeUp, context: SocketContext, signals: Signals, keys: Keys?, log: Logger) {
        self.desk = desk
        self.wakeUp = wakeUp
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
            if desk.read({ $0.ending != nil && !$0.stepping }) { return leave() }
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
            case .located(let location): self.location = location
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
                let sent = stream?.socket.send([.bytes(header)] + rollout.columns.map { .shared($0.bytes) })
                if sent != true { desk.read { $0.outbox!.notSent() } }
            case .end(let reason, let refusal):
                end(refusal.map { Ending.refused($0) } ?? .finished(reason: reason))
            }
        }
    }

    // MARK: Time

    private func tick() {
        let now = Time.now
        perform(client.tick(now: now) { heartbeat(now) })
        let (actions, renew) = desk.update { desk -> ([RolloutOutbox.Action], Bool) in
            guard desk.outbox != nil, stream != nil else { return ([], false) }
            return (desk.outbox!.tick(now: now), desk.subscription!.needs(desk.outbox!.missingVersion, now: now))
        }
        perform(actions)
        if renew { weights?.socket.subscribe(WireProtocol.weightsTopic(of: desk.read { $0.outbox!.place })) }
    }

    private func heartbeat(_ now: Time) -> (gauges: [Gauge], waits: [Wait]) {
        desk.read { desk in
            let state = desk.meter.state(now: now)
            var gauges = desk.meter.take(now: now).map {
                Gauge($0.name == ShareMeter.busy ? "busy_share" : "wait_share/\($0.name)", $0.share)
            }
            gauges.append(Gauge("frames_per_second", Double(desk.frames - lastFrames.count) / max(now - lastFrames.time, 1e-3)))
            lastFrames = (desk.frames, now)
            gauges.append(Gauge("frames", Double(desk.frames)))
            gauges.append(Gauge("environment_failures", Double(desk.failures)))
            if let outbox = desk.outbox {
                gauges.append(Gauge("produced", Double(outbox.nextSequence - 1)))
                gauges.append(Gauge("unacknowledged", Double(outbox.unacknowledgedCount)))
                if let held = desk.weights?.version {
                    gauges.append(Gauge("version", Double(held)))
                    gauges.append(Gauge("publish_lag", Double(outbox.learnerVersion - min(held, outbox.learnerVersion))))
                }
            }
            guard state.name != ShareMeter.busy, let obstacle = desk.obstacle else { return (gauges, []) }
            return (gauges, [Wait(resource: obstacle.resource, holder: obstacle.holder, seconds: state.seconds)])
        }
    }

    // MARK: End

    private func end(_ ending: Ending) {
        desk.update { if $0.ending == nil { $0.ending = ending } }
    }

    private func leave() {
        let ending = desk.read { $0.ending }
        let reason = ending?.description ?? "done"
        perform(desk.read { $0.outbox?.detach(reason: reason) ?? [] })
        perform(client.goodbye(reason: reason))
    }
}
