import Platform
import Rollouts
import Tensors
import Wire

/// A member that was welcomed as an actor and then sends what it likes.
final class Impostor {
    let place: MemberPlace
    private let token = UInt64.random(in: 1 ... .max)
    let run: UInt64
    let assignment: ActorAssignment
    private let context: SocketContext
    private let control: Socket
    private let location: LearnerLocation
    private var stream: Socket

    init(_ context: SocketContext, _ coordinator: Endpoint) throws {
        self.context = context
        control = Socket(.dealer, in: context)
        try control.connect(coordinator)
        let hello = ControlMessage.hello(Hello(role: .actor, token: token, host: "elsewhere", pid: 1))
        var welcome: Welcome?
        var location: LearnerLocation?
        let deadline = Time.now + 5
        while welcome == nil || location == nil, Time.now < deadline {
            if welcome == nil { control.send([.bytes(hello.encoded())]) }
            Poll.wait(sockets: [control], descriptors: [], milliseconds: 20)
            while let frames = control.receive() {
                switch try ControlMessage(decoding: frames[0]) {
                case .welcome(let arrived): welcome = arrived
                case .learnerLocation(let arrived): location = arrived
                default: break
                }
            }
        }
        guard let welcome, let location, let assignment = welcome.actor else { throw WireError.missing(field: "a welcome") }
        (place, run, self.assignment, self.location) = (welcome.place, welcome.run, assignment, location)
        stream = Socket(.dealer, in: context)
        try stream.connect(Endpoint(location.rollouts))
    }

    /// Leaves the connection to the learner for a new one.
    func reconnect() throws {
        stream = Socket(.dealer, in: context)
        try stream.connect(Endpoint(location.rollouts))
    }

    /// The coordinator's next refusal, whatever else comes before it.
    func refusalOfCoordinator(_ frames: [[UInt8]]) -> Refusal? {
        send(control, frames.map { .bytes($0) })
        while let frame = reply(control) { if case .refusal(let refusal)? = try? ControlMessage(decoding: frame) { return refusal } }
        return nil
    }

    /// The learner's answer; nil when there is none.
    func ask(_ frames: [OutgoingFrame]) -> StreamMessage? {
        send(stream, frames)
        return next()
    }

    func ask(_ message: StreamMessage) -> StreamMessage? { ask([.bytes(message.encoded())]) }

    func next(within seconds: Double = 2) -> StreamMessage? { reply(stream, seconds).flatMap { try? StreamMessage(decoding: $0) } }

    /// The next refusal, whatever else comes before it.
    func refusal(_ frames: [OutgoingFrame]) -> Refusal? {
        send(stream, frames)
        let deadline = Time.now + 3
        while Time.now < deadline { if case .refusal(let refusal)? = next() { return refusal } }
        return nil
    }

    func attach(next: UInt64 = 1, first: UInt64? = nil, run: UInt64? = nil, protocol version: UInt32 = WireProtocol.version)
        -> StreamMessage
    {
        var attach = Attach(run: run ?? self.run, actor: place, firstUnacknowledged: first ?? next, nextSequence: next, producing: false)
        attach.protocol = version
        return .attach(attach)
    }

    /// A rollout as the learner wants it, or with one thing changed.
    func rollout(
        _ sequence: UInt64, version: UInt64 = 0, steps: Int? = nil, observations: Int = 4, observation: Float = 0, action: Int32 = 0
    ) -> Rollout {
        let (steps, slots) = (steps ?? assignment.unroll, 2)
        func column<Element: BitwiseCopyable>(_ name: String, _ type: ElementType, _ shape: [Int], _ value: Element) -> Column {
            let bytes = [Element](repeating: value, count: shape.reduce(1, *)).withUnsafeBytes { SharedBytes(copying: $0) }
            return Column(name, type, shape, bytes)
        }
        return Rollout(
            id: RolloutID(actor: place.rank, incarnation: place.incarnation, sequence: sequence), version: version, steps: steps,
            slots: slots,
            observation: column("observation", .float32, [steps + 1, slots, observations], observation),
            action: column("action", .int32, [steps, slots], action),
            behaviourLogProb: column("behaviour_log_prob", .float32, [steps, slots], Float(-0.7)),
            reward: column("reward", .float32, [steps, slots], Float(1)),
            terminated: column("terminated", .uint8, [steps, slots], UInt8(0)),
            truncated: column("truncated", .uint8, [steps, slots], UInt8(0)), finalIndex: column("final_index", .int32, [0], Int32(0)),
            finalObservation: column("final_observation", .float32, [0, observations], Float(0)),
            episodeReturn: column("episode_return", .float32, [0], Float(0)), episodeLength: column("episode_length", .int32, [0], Int32(0)),
            recurrentState: column("recurrent_state", .float32, [slots, 0], Float(0))
        )
    }

    func frames(_ rollout: Rollout) -> [OutgoingFrame] {
        [.bytes(RolloutHeader(rollout).encoded())] + rollout.columnFrames.map { .shared($0) }
    }

    private func send(_ socket: Socket, _ frames: [OutgoingFrame]) {
        let deadline = Time.now + 5
        while !socket.send(frames), Time.now < deadline { Poll.wait(sockets: [], descriptors: [], milliseconds: 5) }
    }

    private func reply(_ socket: Socket, _ seconds: Double = 2) -> SharedBytes? {
        let deadline = Time.now + seconds
        while Time.now < deadline {
            if let frames = socket.receive() { return frames[0] }
            control.send([.bytes(ControlMessage.heartbeat(Heartbeat(token: token)).encoded())])
            Poll.wait(sockets: [socket], descriptors: [], milliseconds: 20)
        }
        return nil
    }
}
