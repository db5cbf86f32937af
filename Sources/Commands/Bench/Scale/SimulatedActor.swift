import Platform
import Rollouts
import Wire

/// An actor without environments: real sockets, real messages, the real state machines, and always the same rollout.
struct SimulatedActor {
    private var client: MembershipClient
    private let context: SocketContext
    /// Where the process waits for this actor's sockets, under the actor's number.
    private let waiting: (set: SocketSet, tag: Int)
    private let control: Socket
    private var stream: Socket?
    private var weights: Socket?
    private var location: LearnerLocation?
    private var welcome: Welcome?
    private var outbox: RolloutOutbox?
    private var held: WeightsHeader?
    private var sent: [UInt64: Time] = [:]

    /// What the actor has seen since it was last asked.
    struct Counts {
        var produced = 0
        var weightsBytes = 0
        var weightsMessages = 0
        /// From sending a rollout to its acknowledgement, in seconds.
        var acknowledgements: [Double] = []
        /// When each policy version came.
        var arrivals: [(version: UInt64, time: Time)] = []
    }
    var counts = Counts()
    private(set) var isOver = false
    var isAttached: Bool { outbox?.isAttached ?? false }

    init(coordinator: Endpoint, context: SocketContext, waiting: (set: SocketSet, tag: Int)) throws {
        self.context = context
        self.waiting = waiting
        client = MembershipClient(hello: ProcessIdentity().hello(.actor))
        control = Socket(.dealer, in: context, linger: 0)
        try control.connect(coordinator)
        waiting.set.add(control, tag: waiting.tag)
    }

    /// Takes what has come and does what is to be done. Never waits.
    ///
    /// - Returns: whether there was anything.
    mutating func turn(now: Time, template: Rollout) throws -> Bool {
        var active = false
        while let frames = control.receive() {
            active = true
            try perform(client.received(ControlMessage(decoding: frames[0]), now: now))
        }
        while let frames = weights?.receive() {
            active = true
            take(try PublishedWeights(header: frames[1], parameters: frames[2]), now)
        }
        while let frames = stream?.receive() {
            active = true
            let message = try StreamMessage(decoding: frames[0])
            if case .grant(let grant) = message { acknowledged(through: grant.acknowledgedThrough, now) }
            perform(outbox!.received(message, now: now), now)
        }
        let gauges = gauges
        let told = client.tick(now: now) { Heartbeat(token: 0, gauges: gauges) }
        active = active || !told.isEmpty
        try perform(told)
        guard outbox != nil, stream != nil else { return active }
        let said = outbox!.tick(now: now)
        active = active || !said.isEmpty
        perform(said, now)
        while let held, outbox!.takeTicket(holding: held.version) {
            active = true
            counts.produced += 1
            let place = outbox!.place
            let id = RolloutID(actor: place.rank, incarnation: place.incarnation, sequence: outbox!.nextSequence)
            perform(outbox!.produced(template.numbered(id, version: held.version, life: held.life)), now)
        }
        return active
    }

    private var gauges: [Gauge] {
        [Gauge("busy_share", 1), Gauge("produced", Double(outbox?.nextSequence ?? 1) - 1), Gauge("version", Double(held?.version ?? 0))]
    }

    private mutating func take(_ published: PublishedWeights, _ now: Time) {
        counts.weightsBytes += published.parameters.count
        counts.weightsMessages += 1
        if published.version % 16 == 0 { counts.arrivals.append((published.version, now)) }
        guard (published.header.life, published.version) > (held?.life ?? 0, held?.version ?? 0) || held == nil else { return }
        held = published.header
    }

    private mutating func acknowledged(through sequence: UInt64, _ now: Time) {
        for (number, time) in sent where number <= sequence {
            counts.acknowledgements.append(now - time)
            sent[number] = nil
        }
    }

    private mutating func perform(_ actions: [MembershipClient.Action]) throws {
        for action in actions {
            switch action {
            case .send(let message):
                if !control.send([.bytes(message.encoded())]) { client.notSent() }
            case .joined(let welcome): outbox = RolloutOutbox(run: welcome.run, place: welcome.place)
            case .located(let location): try connect(location)
            case .stop, .refused: isOver = true
            case .departed, .adjust, .allowed: break
            }
        }
    }

    private mutating func connect(_ location: LearnerLocation) throws {
        guard location != self.location else { return }
        let (stream, weights) = (Socket(.dealer, in: context, linger: 0), Socket(.subscriber, in: context, receiveLimit: 4))
        try stream.connect(Endpoint(location.rollouts))
        try weights.connect(Endpoint(location.weights))
        weights.subscribe(WireProtocol.weightsTopic)
        weights.subscribe(WireProtocol.weightsTopic(of: outbox!.place))
        for socket in [stream, weights] { waiting.set.add(socket, tag: waiting.tag) }
        (self.stream, self.weights, self.location) = (stream, weights, location)
        perform(outbox!.connected(now: .now), .now)
    }

    private mutating func perform(_ actions: [RolloutOutbox.Action], _ now: Time) {
        for action in actions {
            switch action {
            case .send(let message):
                if !stream!.send([.bytes(message.encoded())]) { outbox!.notSent() }
            case .sendRollout(let rollout):
                sent[rollout.id.sequence] = now
                let header = RolloutHeader(rollout).encoded()
                if !stream!.send([.bytes(header)] + rollout.columnFrames.map { .shared($0) }) { outbox!.notSent() }
            case .end: isOver = true
            }
        }
    }
}

extension Rollout {
    /// The same numbers under another name.
    fileprivate func numbered(_ id: RolloutID, version: UInt64, life: UInt32) -> Rollout {
        Rollout(
            id: id, version: version, life: life, steps: steps, slots: slots, observation: observation, action: action,
            behaviourLogProb: behaviourLogProb, reward: reward, terminated: terminated, truncated: truncated, finalIndex: finalIndex,
            finalObservation: finalObservation, episodeReturn: episodeReturn, episodeLength: episodeLength, recurrentState: recurrentState,
            behaviourPolicy: behaviourPolicy)
    }
}
