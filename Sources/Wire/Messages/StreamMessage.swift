import CWire
import Platform

/// What passes between an actor and the learner, except the rollouts themselves (`RolloutHeader` and its column frames).
public enum StreamMessage: Sendable, Equatable {
    case attach(Attach)
    case grant(Grant)
    case rollout(RolloutHeader)
    case refusal(Refusal)
    case ping(produced: UInt64)
    case detach(produced: UInt64, reason: String)
    case stop(reason: String)
}

/// Opens or re-opens an actor's stream.
public struct Attach: Sendable, Equatable {
    public var `protocol`: UInt32 = WireProtocol.version
    public var run: UInt64
    public var actor: MemberPlace
    /// `firstUnacknowledged ..< nextSequence` are about to be re-sent.
    public var firstUnacknowledged: UInt64
    public var nextSequence: UInt64
    /// A rollout is being made under a ticket of before.
    public var producing: Bool

    public init(run: UInt64, actor: MemberPlace, firstUnacknowledged: UInt64, nextSequence: UInt64, producing: Bool) {
        self.run = run
        self.actor = actor
        self.firstUnacknowledged = firstUnacknowledged
        self.nextSequence = nextSequence
        self.producing = producing
    }

    /// Rollouts begun: finished ones and the one being made.
    public var begun: UInt64 { nextSequence - 1 + (producing ? 1 : 0) }
}

/// Acknowledges and gives credit. A ticket allows one rollout, acted by at least the policy version that it names.
public struct Grant: Sendable, Equatable {
    public var life: UInt32
    public var acknowledgedThrough: UInt64
    public var tickets: [UInt64]
    public var kind: Kind
    /// The learner's policy version.
    public var version: UInt64
    /// Of an opening grant: the rollouts begun before the `Attach` that it answers; those begun since have used up the first of the
    /// tickets.
    public var begun: UInt64

    public enum Kind: UInt32, Sendable {
        /// The tickets are new.
        case adds = 0
        /// The answer to an `Attach`: the tickets replace those of before; what is unacknowledged is re-sent after it.
        case opens = 1
        /// New minimum versions for the tickets given before and not yet answered by a rollout, oldest first.
        case revises = 2
    }

    public init(life: UInt32, acknowledgedThrough: UInt64, tickets: [UInt64], kind: Kind = .adds, version: UInt64, begun: UInt64 = 0) {
        self.life = life
        self.acknowledgedThrough = acknowledgedThrough
        self.tickets = tickets
        self.kind = kind
        self.version = version
        self.begun = begun
    }
}

extension StreamMessage {
    /// The first frame of this message.
    public func encoded() -> [UInt8] {
        if case .rollout(let header) = self { return header.encoded() }
        var arena = Arena()
        var stream = Apus__Stream()
        apus__stream__init(&stream)
        switch self {
        case .rollout: break
        case .attach(let attach):
            stream.body_case = APUS__STREAM__BODY_ATTACH
            var message = Apus__Attach()
            apus__attach__init(&message)
            message.protocol = attach.protocol
            message.run = attach.run
            (message.actor, message.incarnation) = (attach.actor.rank, attach.actor.incarnation)
            (message.first_unacknowledged, message.next_sequence) = (attach.firstUnacknowledged, attach.nextSequence)
            message.producing = attach.producing ? 1 : 0
            stream.attach = arena.message(message)
        case .grant(let grant):
            stream.body_case = APUS__STREAM__BODY_GRANT
            var message = Apus__Grant()
            apus__grant__init(&message)
            (message.life, message.acknowledged_through, message.version) = (grant.life, grant.acknowledgedThrough, grant.version)
            message.begun = grant.begun
            (message.n_tickets, message.tickets) = (grant.tickets.count, arena.array(grant.tickets))
            message.kind = Apus__GrantKind(rawValue: grant.kind.rawValue)
            stream.grant = arena.message(message)
        case .refusal(let refusal):
            stream.body_case = APUS__STREAM__BODY_REFUSAL
            stream.refusal = arena.message(refusal.message(&arena))
        case .ping(let produced):
            stream.body_case = APUS__STREAM__BODY_PING
            var message = Apus__Ping()
            apus__ping__init(&message)
            message.produced = produced
            stream.ping = arena.message(message)
        case .detach(let produced, let reason):
            stream.body_case = APUS__STREAM__BODY_DETACH
            var message = Apus__Detach()
            apus__detach__init(&message)
            (message.produced, message.reason) = (produced, arena.string(reason))
            stream.detach = arena.message(message)
        case .stop(let reason):
            stream.body_case = APUS__STREAM__BODY_STOP
            var message = Apus__Stop()
            apus__stop__init(&message)
            message.reason = arena.string(reason)
            stream.stop = arena.message(message)
        }
        return withUnsafeMutablePointer(to: &stream) { pack($0) }
    }

    public init(decoding bytes: SharedBytes) throws(WireError) {
        self = try unpack(bytes, "Stream", { apus__stream__unpack($0, $1, $2) }) { stream throws(WireError) in
            switch stream.body_case {
            case APUS__STREAM__BODY_ATTACH:
                .attach(try Attach(stream.attach.pointee))
            case APUS__STREAM__BODY_GRANT:
                .grant(try Grant(stream.grant.pointee))
            case APUS__STREAM__BODY_ROLLOUT: .rollout(try RolloutHeader(stream.rollout.pointee))
            case APUS__STREAM__BODY_REFUSAL: .refusal(try Refusal(stream.refusal.pointee))
            case APUS__STREAM__BODY_PING: .ping(produced: stream.ping.pointee.produced)
            case APUS__STREAM__BODY_DETACH: .detach(produced: stream.detach.pointee.produced, reason: text(stream.detach.pointee.reason))
            case APUS__STREAM__BODY_STOP: .stop(reason: text(stream.stop.pointee.reason))
            default: throw .missing(field: "Stream.body")
            }
        }
    }
}

extension Attach {
    fileprivate init(_ message: Apus__Attach) throws(WireError) {
        self.init(
            run: message.run, actor: MemberPlace(rank: message.actor, incarnation: message.incarnation),
            firstUnacknowledged: message.first_unacknowledged, nextSequence: message.next_sequence, producing: message.producing != 0)
        self.protocol = message.protocol
        // Sequence numbers count from 1 and never wrap: what lies between the two is what a peer claims to hold.
        guard firstUnacknowledged >= 1, firstUnacknowledged <= nextSequence, nextSequence <= WireProtocol.maximumSequence,
            nextSequence - firstUnacknowledged <= UInt64(WireProtocol.maximumCredits)
        else {
            throw .invalid(
                field: "Attach.first_unacknowledged, next_sequence", value: "\(firstUnacknowledged), \(nextSequence)",
                allowed: "1 ≤ first ≤ next ≤ first + \(WireProtocol.maximumCredits), next ≤ \(WireProtocol.maximumSequence)")
        }
    }
}

extension Grant {
    fileprivate init(_ message: Apus__Grant) throws(WireError) {
        guard message.n_tickets <= WireProtocol.maximumCredits else {
            throw .invalid(field: "Grant.tickets", value: "\(message.n_tickets) tickets", allowed: "at most \(WireProtocol.maximumCredits)")
        }
        guard let kind = Kind(rawValue: message.kind.rawValue) else {
            throw .invalid(field: "Grant.kind", value: "\(message.kind.rawValue)", allowed: "0…2")
        }
        self.init(
            life: message.life, acknowledgedThrough: message.acknowledged_through,
            tickets: Array(UnsafeBufferPointer(start: message.tickets, count: message.n_tickets)), kind: kind, version: message.version,
            begun: message.begun)
    }
}
