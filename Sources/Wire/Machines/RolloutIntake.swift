import DequeModule
import Platform
import Rollouts

/// The learner's side of all streams: credit, order, de-duplication, acknowledgement.
///
/// A pure state machine: events in, actions out. Per actor incarnation, sequence numbers arrive in order; a number seen before is acknowledged
/// again and thrown away; a gap makes the actor re-open its stream. No actor ever has more than `credits` rollouts (or its share of an update,
/// if that is more) that are granted, under way, queued or being trained on, so memory and lag are bounded.
///
/// Tickets form one order of consumption over all actors. The first of them, as many as the bound on lag allows (`window`), are due: they may be
/// acted on at once. Each rollout that ends makes the next ticket due, so that an event costs the same however many actors there are.
public struct RolloutIntake: Sendable {
    public typealias Peer = [UInt8]

    public struct Settings: Sendable {
        public var run: UInt64
        public var life: UInt32
        /// Unacknowledged rollouts per actor, at least.
        public var credits: Int
        /// Unacknowledged rollouts of all actors together, at least: a few actors get more each.
        public var creditsTogether: Int
        public var rolloutsPerUpdate: Int
        /// The bound on policy lag, in updates.
        public var maxLag: Int

        public init(run: UInt64, life: UInt32, credits: Int, creditsTogether: Int = 0, rolloutsPerUpdate: Int, maxLag: Int) {
            self.run = run
            self.life = life
            self.credits = credits
            self.creditsTogether = creditsTogether
            self.rolloutsPerUpdate = rolloutsPerUpdate
            self.maxLag = maxLag
        }
    }

    public enum Action: Sendable, Equatable {
        case send(Peer, StreamMessage)
        /// The rollout that came with the event is new and in order: check its contents, then queue it or report it as failed.
        case accept
        /// These will never arrive: the actor that made them is gone.
        case lost(MemberPlace, ClosedRange<UInt64>)
        /// The actor, which has made so many, cannot be reached. It may come back with what has not arrived.
        case missing(MemberPlace, produced: UInt64)
        /// This actor may act now and has not been sent the newest weights: where not everybody gets every version, it gets this one.
        case weights(MemberPlace)
    }

    /// What is known of one incarnation, also after it has gone: it may have been taken for gone wrongly, and what it sent may still be
    /// queued.
    struct Stream: Sendable {
        /// nil: gone.
        var peer: Peer?
        /// Every sequence number up to here has arrived.
        var received: UInt64
        /// Every sequence number up to here has come to its end.
        var acknowledged: UInt64
        var endedBeyond: Set<UInt64> = []
        /// The tickets given and not yet answered by a rollout, oldest first.
        var tickets: [Ticket] = []
        /// The highest number that the actor has told of.
        var produced: UInt64 = 0
        var lastHeard = Time.zero
        /// Since when the coordinator takes it for gone.
        var doubtedSince: Time?
        /// The fingerprint of the key over which it was opened; 0 without keys.
        var holder: UInt64 = 0
        /// The newest version that was meant for it.
        var sent: UInt64?

        init(received: UInt64, acknowledged: UInt64) {
            self.received = received
            self.acknowledged = acknowledged
        }

        var open: Int { tickets.count + arrived }
        /// Those of them that take a place in the window.
        var due: Int { tickets.count(where: \.isDue) + arrived }
        /// Queued or being trained on.
        var arrived: Int { Int(received - acknowledged) - endedBeyond.count }
    }

    /// Allows one rollout.
    struct Ticket: Sendable {
        /// Its place in the order of consumption over all actors.
        var number: UInt64
        /// The policy version that the actor was told to act with at least; 0 for a rollout that is on its way already.
        var minimum: UInt64
        var isDue: Bool
    }

    var settings: Settings
    var streams: [MemberPlace: Stream] = [:]
    private var places: [Peer: MemberPlace] = [:]
    /// The tickets that are not due yet, in the order of consumption; among them some that were taken back or used before their time.
    var later = Deque<(ticket: UInt64, place: MemberPlace)>()
    var lastTicket: UInt64 = 0
    var stopping: String?
    private var lastTick: Time?

    public private(set) var version: UInt64
    public private(set) var duplicates: UInt64 = 0
    public private(set) var refused: UInt64 = 0

    /// An actor that was silent this long is taken for gone, in seconds (the coordinator usually says so earlier).
    static let silenceLimit = 4.0
    /// The same, when the coordinator cannot reach it either: longer than between two pings.
    static let doubtfulSilenceLimit = 0.75
    /// Longer than this between two ticks, and the learner itself was stopped, in seconds.
    static let standstill = 1.5
    /// So many incarnations are remembered, living and gone.
    static let streamLimit = 1 << 20
    /// How often the silent are looked for, in seconds.
    static let tickInterval = 0.25

    public init(_ settings: Settings, version: UInt64) {
        self.settings = settings
        self.version = version
    }

    public var actors: Int { places.count }
    /// Whether weights go only to those whose turn it is to act, not to everybody at every version: of many actors, only the few that act next have
    /// a use for them, and what is sent to the others would cost more than all rollouts together.
    public var isAddressed: Bool { actors > 4 * settings.rolloutsPerUpdate }
    /// Of each actor. An update needs its rollouts whoever is there: few actors get more than their usual credits.
    public var credits: Int {
        let together = max(settings.rolloutsPerUpdate, settings.creditsTogether)
        let share = (together + max(places.count, 1) - 1) / max(places.count, 1)
        return min(max(settings.credits, share), WireProtocol.maximumCredits)
    }
    /// Granted, under way, queued or being trained on, over all actors. Counted as they change: a sum over a thousand actors at every message would
    /// cost more than the messages.
    public private(set) var open = 0
    /// Those of them that take a place in the window.
    var due = 0

    /// What is known of every actor whose stream is open.
    public func progress(now: Time) -> [StreamProgress] {
        places.values.map { place in
            let stream = streams[place]!
            return StreamProgress(
                actor: place, received: stream.received, acknowledged: stream.acknowledged, tickets: UInt32(stream.tickets.count),
                silentSeconds: max(now - stream.lastHeard, 0))
        }
    }

    // MARK: Events

    /// - Parameter holder: the fingerprint of the key that the connection has proved; 0 without keys.
    public mutating func received(_ message: StreamMessage, from peer: Peer, holder: UInt64 = 0, now: Time) -> [Action] {
        if case .attach(let attach) = message { return attached(attach, from: peer, holder, now: now) }
        guard let place = places[peer] else { return [refuse(peer, .unknownMember, "this connection has no stream", "Attach first.")] }
        streams[place]!.lastHeard = now
        switch message {
        case .rollout(let header): return rollout(header, from: peer, at: place)
        case .ping(let produced):
            // Messages of one connection keep their order: what was sent before this one and has not arrived will not arrive.
            guard produced <= streams[place]!.received else {
                return [refuse(peer, .unknownMember, "rollouts are missing", "Attach again.")]
            }
            return [.send(peer, .grant(grant(to: place, tickets: 0)))]
        case .detach(let produced, _):
            guard produced <= streams[place]!.received + UInt64(WireProtocol.maximumCredits) else {
                return [
                    refuse(
                        peer, .malformed, "\(produced) rollouts cannot have been made with the credits given",
                        "Count your own rollouts only.")
                ]
            }
            streams[place]!.produced = max(streams[place]!.produced, produced)
            guard stopping != nil || produced <= streams[place]!.received else {
                return [refuse(peer, .unknownMember, "rollouts are missing", "Attach again.")]
            }
            return departed(place) + [.send(peer, .stop(reason: "all rollouts have arrived"))]
        case .attach, .grant, .refusal, .stop:
            return [refuse(peer, .malformed, "an actor does not send this message", "See proto/apus.proto.")]
        }
    }

    /// Rollouts came to their end: trained on (the learner is at `version` now), stale, failed.
    public mutating func ended(_ ids: [RolloutID], version: UInt64) -> [Action] {
        // Tickets were given for versions as if each update took its share of rollouts. Where it takes fewer, they ask for too little.
        let isFaster = version > self.version + UInt64(ids.count / settings.rolloutsPerUpdate)
        self.version = version
        var touched: Set<MemberPlace> = []
        for id in ids {
            let place = MemberPlace(rank: id.actor, incarnation: id.incarnation)
            guard let stream = streams[place], id.sequence > stream.acknowledged else { continue }
            touched.insert(place)
            change(place) { stream in
                stream.endedBeyond.insert(id.sequence)
                while stream.endedBeyond.remove(stream.acknowledged + 1) != nil { stream.acknowledged += 1 }
            }
        }
        // Nobody else has a place free.
        return replenish(touched.sorted()) + (isFaster ? revise() : [])
    }

    /// Changes the bound on policy lag: tickets that were given and not yet used get new minimum versions. What is under way is swept when it is
    /// consumed.
    public mutating func bound(maxLag: Int) -> [Action] {
        settings.maxLag = maxLag
        return revise()
    }

    /// This incarnation is gone for good: what has not arrived never will.
    public mutating func departed(_ place: MemberPlace) -> [Action] {
        guard let stream = streams[place] else { return [] }
        let others = close(place)
        return lose(place, stream) + others
    }

    /// The coordinator cannot reach this incarnation: if nothing comes from it here either, it counts no more, until it comes back.
    public mutating func doubted(_ place: MemberPlace, now: Time) { streams[place]?.doubtedSince = now }

    public mutating func tick(now: Time) -> [Action] {
        let pause = lastTick.map { now - $0 } ?? .infinity
        guard pause > Self.tickInterval else { return [] }
        // A learner that stood still itself has no reason to take the others for silent.
        if pause > Self.standstill, pause < .infinity {
            for place in places.values {
                streams[place]!.lastHeard = streams[place]!.lastHeard + pause
                streams[place]!.doubtedSince = nil
            }
        }
        lastTick = now
        return places.values.filter { isSilent(streams[$0]!, now) }.sorted().flatMap { place in
            let stream = streams[place]!
            let missing: [Action] = stream.produced > stream.received ? [.missing(place, produced: stream.produced)] : []
            return missing + close(place)
        }
    }

    /// No more rollouts are wanted: actors are told, now and when they come. Whoever is away by now has no time left to come back.
    public mutating func stop(reason: String) -> [Action] {
        stopping = reason
        let away = streams.filter { $0.value.peer == nil }.sorted { $0.key < $1.key }.flatMap { lose($0.key, $0.value) }
        return away + places.sorted { $0.value < $1.value }.map { .send($0.key, .stop(reason: reason)) }
    }

    // MARK: Parts

    private func isSilent(_ stream: Stream, _ now: Time) -> Bool {
        if let doubted = stream.doubtedSince, now - max(doubted, stream.lastHeard) > Self.doubtfulSilenceLimit { return true }
        return now - stream.lastHeard > Self.silenceLimit
    }

    /// Takes the tickets of this incarnation back; the others make what it would have made.
    private mutating func close(_ place: MemberPlace) -> [Action] {
        guard let peer = streams[place]!.peer else { return [] }
        places[peer] = nil
        change(place) { stream in
            stream.peer = nil
            stream.tickets = []
        }
        return replenish(credits > settings.credits ? streams.keys.sorted() : [])
    }

    private mutating func lose(_ place: MemberPlace, _ stream: Stream) -> [Action] {
        guard stream.produced > stream.received else { return [] }
        // Once is enough.
        streams[place]!.produced = stream.received
        return [.lost(place, (stream.received + 1)...stream.produced)]
    }

    private mutating func attached(_ attach: Attach, from peer: Peer, _ holder: UInt64, now: Time) -> [Action] {
        guard attach.protocol == WireProtocol.version else {
            refused += 1
            return [.send(peer, .refusal(.protocolMismatch(peer: attach.protocol)))]
        }
        guard attach.run == settings.run else {
            return [refuse(peer, .wrongRun, "this learner belongs to another run", "Ask the coordinator where this run's learner is.")]
        }
        if let stopping { return [.send(peer, .stop(reason: stopping))] }

        let before = streams[attach.actor]
        if let before, before.holder != holder {
            return [refuse(peer, .forbidden, "actor \(attach.actor) has another key", "Start this actor again; it will get a place of its own.")]
        }
        guard before != nil || streams.count < Self.streamLimit else {
            return [refuse(peer, .overload, "\(streams.count) incarnations have sent rollouts to this learner", "Restart the learner.")]
        }
        // What the actor does not hold any more was acknowledged, by this life of the learner or the one before.
        let known = attach.firstUnacknowledged - 1
        if let before, known > before.acknowledged || attach.nextSequence <= before.received {
            let problem =
                "actor \(attach.actor) is known by other rollouts: \(before.acknowledged) acknowledged, \(before.received) received"
            return [refuse(peer, .occupied, problem, "Start this actor again; it will get a place of its own.")]
        }
        var actions: [Action] = []
        if let stranger = places[peer], stranger != attach.actor { actions += departed(stranger) }
        if let former = before?.peer { places[former] = nil }
        var stream = streams[attach.actor] ?? Stream(received: known, acknowledged: known)
        (stream.peer, stream.produced, stream.lastHeard, stream.doubtedSince) = (peer, attach.nextSequence - 1, now, nil)
        stream.holder = holder
        // The tickets of before keep their places in the order of consumption; the first of them belong to the rollouts on their way.
        let onTheirWay = Int(attach.begun - stream.received)
        places[peer] = attach.actor
        let unknown = repeatElement(Ticket(number: 0, minimum: 0, isDue: true), count: max(onTheirWay - stream.tickets.count, 0))
        stream.tickets.insert(contentsOf: unknown, at: 0)
        open += stream.open - (before?.open ?? 0)
        due += stream.due - (before?.due ?? 0)
        streams[attach.actor] = stream
        // A ticket that was given stays given, also where more actors have come and each has fewer credits: it may be in use already.
        var opening = grant(to: attach.actor, tickets: max(credits - stream.open, 0))
        (opening.kind, opening.begun) = (.opens, attach.begun)
        opening.tickets = streams[attach.actor]!.tickets.dropFirst(onTheirWay).map(\.minimum)
        let (weights, revisions) = release()
        return actions + [.send(peer, .grant(opening))] + (weights.isEmpty ? self.weights(for: attach.actor) : weights) + revisions
    }

    private mutating func rollout(_ header: RolloutHeader, from peer: Peer, at place: MemberPlace) -> [Action] {
        guard header.id.actor == place.rank, header.id.incarnation == place.incarnation else {
            return [refuse(peer, .malformed, "rollout \(header.id) came over the stream of actor \(place)", "Send your own rollouts only.")]
        }
        let sequence = header.id.sequence
        let received = streams[place]!.received
        if sequence <= received {
            duplicates += 1
            return [.send(peer, .grant(grant(to: place, tickets: 0)))]
        }
        guard sequence == received + 1 else { return [refuse(peer, .unknownMember, "rollout \(received + 1) is missing", "Attach again.")] }
        guard !streams[place]!.tickets.isEmpty else {
            return [refuse(peer, .malformed, "rollout \(header.id) came without a ticket", "Wait for a ticket before each rollout.")]
        }
        change(place) { stream in
            stream.received = sequence
            stream.produced = max(stream.produced, sequence)
            stream.tickets.removeFirst()
        }
        return [.accept]
    }

    private mutating func refuse(_ peer: Peer, _ code: RefusalCode, _ problem: String, _ remedy: String) -> Action {
        refused += 1
        return .send(peer, .refusal(Refusal(code, problem: problem, remedy: remedy)))
    }

    /// A peer sends more than it may: what it says is not heard.
    public mutating func overloaded(by peer: Peer) -> [Action] {
        refused += 1
        return [.send(peer, .refusal(.tooManyMessages))]
    }

    /// Counts a message that could not even be decoded.
    public mutating func malformed(_ error: WireError, from peer: Peer) -> [Action] {
        [refuse(peer, .malformed, error.description, "Send messages as proto/apus.proto describes them.")]
    }

    /// Changes a stream, and keeps count of what is open.
    mutating func change(_ place: MemberPlace, _ body: (inout Stream) -> Void) {
        let before = (open: streams[place]!.open, due: streams[place]!.due)
        body(&streams[place]!)
        open += streams[place]!.open - before.open
        due += streams[place]!.due - before.due
    }
}

extension MemberPlace: Comparable {
    public static func < (a: MemberPlace, b: MemberPlace) -> Bool { (a.rank, a.incarnation) < (b.rank, b.incarnation) }
}
