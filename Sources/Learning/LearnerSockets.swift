import Logging
import Platform
import Rollouts
import Tensors
import Wire

/// Where a learner listens for actors.
public enum LearnerBinding: Sendable {
    /// Unix sockets in this folder; actors are told `advertised`.
    case folder(String, advertised: String)
    /// A host address for two tcp ports; actors are told `advertised`.
    case host(String, advertised: String)
}

/// The learner's socket thread: streams and weights to the actors, control to the coordinator. Thin: what to do is decided by the state
/// machines.
final class LearnerSockets {
    private let desk: Guarded<LearnerDesk>
    private let wakeUp: WakeUp
    private let waits: WaitRegister
    private let context: SocketContext
    private let signals: Signals
    private let binding: LearnerBinding
    private let log: Logger
    private var client = MembershipClient(hello: ProcessIdentity().hello(.learner))
    private var control: Socket?
    private var streams: Socket?
    private var weights: Socket?
    private var intake: RolloutIntake?
    private var shape: RolloutShape?
    private var rolloutsPerUpdate = 1
    private var lastPublished: PublishedWeights?
    private var signalCount = 0
    /// The learner whose place this one waits for, as the coordinator has put it; said once.
    private var waitsFor: String?

    init(
        desk: Guarded<LearnerDesk>, wakeUp: WakeUp, waits: WaitRegister, context: SocketContext, signals: Signals, binding: LearnerBinding,
        log: Logger
    ) {
        self.desk = desk
        self.wakeUp = wakeUp
        self.waits = waits
        self.context = context
        self.signals = signals
        self.binding = binding
        self.log = log
    }

    func run(coordinator: Endpoint) {
        do {
            let control = Socket(.dealer, in: context, frameLimit: Int64(WireProtocol.maximumMessageBytes))
            self.control = control
            try control.connect(coordinator)
        } catch {
            return end(.failed(error))
        }
        while true {
            Poll.wait(
                sockets: [control, streams, weights].compactMap { $0 }, descriptors: [wakeUp.descriptor] + signals.descriptors,
                milliseconds: client.isRegistered ? 100 : 5)
            wakeUp.drain()
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

    // MARK: Control

    private func receiveControl() {
        while let frames = control?.receive() {
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
                if control?.send([.bytes(message.encoded())]) != true { client.notSent() }
            case .joined(let welcome): desk.update { $0.welcome = welcome }
            case .located: break
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
            let streams = Socket(.router, in: context, frameLimit: max(frameLimit, Int64(WireProtocol.maximumMessageBytes)))
            let weights = Socket(.publisher, in: context, sendLimit: 4, frameLimit: Int64(WireProtocol.maximumMessageBytes))
            let location: LearnerLocation
            switch binding {
            case .folder(let folder, let advertised):
                _ = try (streams.bind(Endpoint("ipc://\(folder)/rollouts")), weights.bind(Endpoint("ipc://\(folder)/weights")))
                location = LearnerLocation(
                    rollouts: "ipc://\(advertised)/rollouts", weights: "ipc://\(advertised)/weights", life: opening.intake.life)
            case .host(let host, let advertised):
                let (streamsAt, weightsAt) = try (streams.bind(Endpoint("tcp://\(host):*")), weights.bind(Endpoint("tcp://\(host):*")))
                location = LearnerLocation(
                    rollouts: streamsAt.description.replacingHost(with: advertised),
                    weights: weightsAt.description.replacingHost(with: advertised),
                    life: opening.intake.life)
            }
            (self.streams, self.weights) = (streams, weights)
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

    private func receiveSubscriptions() {
        while let frames = weights?.receive() {
            // 1: a subscription, 0: its end. Whoever subscribes to its own topic gets the last value at once.
            let subscription = frames[0].withBytes { [UInt8]($0.prefix(WireProtocol.maximumTopicBytes + 2)) }
            let topic = Array(subscription.dropFirst())
            guard subscription.first == 1, topic.starts(with: WireProtocol.ownTopicPrefix), topic.count <= WireProtocol.maximumTopicBytes else {
                continue
            }
            publish(topic)
        }
    }

    private func publish(_ topic: [UInt8]) {
        guard let lastPublished else { return }
        weights?.send([.bytes(topic), .bytes(lastPublished.header.encoded()), .shared(lastPublished.parameters)])
    }

    /// Whether every version goes to everybody: of many actors, only the few that act next have a use for it, and what is sent to the others
    /// would cost more than all rollouts together.
    private var everybodyGetsEveryVersion: Bool { intake!.actors <= 4 * rolloutsPerUpdate }

    private func receiveStreams() {
        while let frames = streams?.receive() {
            let peer = frames[0].withBytes { RolloutIntake.Peer($0) }
            guard frames.count >= 2 else {
                perform(intake!.malformed(.frames(expected: 2, found: frames.count), from: peer))
                continue
            }
            do {
                receive(try StreamMessage(decoding: frames[1]), columns: Array(frames.dropFirst(2)), from: peer)
            } catch {
                perform(intake!.malformed(error, from: peer))
            }
        }
    }

    private func receive(_ message: StreamMessage, columns: [SharedBytes], from peer: RolloutIntake.Peer) {
        guard case .rollout(let header) = message else { return perform(intake!.received(message, from: peer, now: .now)) }
        let actions = intake!.received(message, from: peer, now: .now)
        perform(actions.filter { $0 != .accept })
        guard actions.contains(.accept) else { return }
        do {
            let rollout = try header.rollout(columns: columns)
            try rollout.validate(shape!)
            let version = intake!.version
            desk.update {
                $0.queue.append(QueuedRollout(rollout: rollout, arrivedAt: version))
                $0.bytesReceived += UInt64(rollout.byteCount)
            }
        } catch {
            // The sequence number is used up: it must come to its end in the ledger.
            let nonFinite = (error as? RolloutError)?.isNonFinite ?? false
            desk.update { $0.failed.append(FailedRollout(header: header, problem: "\(error)", isNonFinite: nonFinite)) }
            perform(
                intake!.malformed(.invalid(field: "rollout \(header.id)", value: "\(error)", allowed: "see proto/apus.proto"), from: peer))
        }
    }

    private func perform(_ actions: [RolloutIntake.Action]) {
        for action in actions {
            switch action {
            case .send(let peer, let message): streams?.send([.bytes(peer), .bytes(message.encoded())])
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

extension String {
    /// `tcp://0.0.0.0:1234` → `tcp://HOST:1234`
    fileprivate func replacingHost(with host: String) -> String {
        guard let colon = lastIndex(of: ":") else { return self }
        return "tcp://\(host)\(self[colon...])"
    }
}
