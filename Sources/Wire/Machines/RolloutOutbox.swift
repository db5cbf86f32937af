import DequeModule
import Platform
import Rollouts

/// The actor's side of the stream: holds every rollout until the learner has acknowledged it, and the tickets that allow to make more.
///
/// A pure state machine: events in, actions out. It never drops a rollout: what is unacknowledged is sent again whenever the stream is
/// re-opened.
public struct RolloutOutbox: Sendable {
    public enum Action: Sendable {
        case send(StreamMessage)
        case sendRollout(Rollout)
        /// The run is over, or the learner refuses this actor for good.
        case end(reason: String, refusal: Refusal?)
    }

    private let run: UInt64
    public let place: MemberPlace
    private var unacknowledged = Deque<Rollout>()
    private var tickets = Deque<UInt64>()
    private var producing = false
    private var attached = false
    private var lastAttach: Time?
    private var lastHeard = Time.zero
    private var lastPing = Time.zero
    /// The rollouts sent when it was last looked, and since when there are no more.
    private var lastSent = (sequence: UInt64(0), time: Time.zero)
    private var life: UInt32 = 0
    /// Set once this actor is leaving.
    private var leaving: String?

    /// The learner has everything that this actor made.
    public private(set) var hasHandedOver = false

    /// The first rollout that waits for its acknowledgement, and since when it is the first.
    public private(set) var oldest: (sequence: UInt64, since: Time)?
    /// The sequence number of the next rollout.
    public private(set) var nextSequence: UInt64 = 1
    /// The newest policy version that the learner has told of.
    public private(set) var learnerVersion: UInt64 = 0
    /// Rollouts that the learner refused as malformed.
    public private(set) var refused: UInt64 = 0

    /// How long the learner may be silent before the stream is opened anew, and the shortest time between two attempts, in seconds.
    static let silenceLimit = 3.0
    static let attachInterval = 0.1
    static let attachPatience = 1.0
    static let pingInterval = 0.5

    public init(run: UInt64, place: MemberPlace) {
        self.run = run
        self.place = place
    }

    /// Rollouts that wait for their acknowledgement.
    public var unacknowledgedCount: Int { unacknowledged.count }
    public var isAttached: Bool { attached }
    /// The version that the next ticket demands; nil without a ticket.
    public var demandedVersion: UInt64? { tickets.first }
    /// The same, once the learner has made that version.
    public var missingVersion: UInt64? { tickets.first.flatMap { $0 <= learnerVersion ? $0 : nil } }

    /// Uses up a ticket, if there is one that a policy of `version` satisfies. While the stream is not open there is none.
    public mutating func takeTicket(holding version: UInt64) -> Bool {
        guard attached, !producing, leaving == nil, let minimum = tickets.first, version >= minimum else { return false }
        tickets.removeFirst()
        producing = true
        return true
    }

    /// The rollout that was made under the ticket taken before.
    public mutating func produced(_ rollout: Rollout) -> [Action] {
        precondition(rollout.id.sequence == nextSequence, "sequence \(rollout.id.sequence) instead of \(nextSequence)")
        producing = false
        nextSequence += 1
        unacknowledged.append(rollout)
        return attached ? [.sendRollout(rollout)] : []
    }

    /// A connection to the learner was made or made anew: what was granted and sent on the one before counts no more.
    public mutating func connected(now: Time) -> [Action] {
        attached = false
        lastAttach = nil
        return attach(now)
    }

    /// The transport did not take a message: there is no connection. The stream is opened again as soon as there is one.
    public mutating func notSent() {
        attached = false
        lastAttach = nil
    }

    public mutating func received(_ message: StreamMessage, now: Time) -> [Action] {
        lastHeard = now
        switch message {
        case .grant(let grant): return granted(grant)
        case .stop(let reason):
            if leaving != nil { hasHandedOver = true }
            return [.end(reason: reason, refusal: nil)]
        case .refusal(let refusal):
            switch refusal.code {
            case .unknownMember:
                attached = false
                return attach(now)
            case .malformed:
                refused += 1
                return []
            case .protocol, .wrongRun, .occupied, .finished, .forbidden, .overload: return [.end(reason: refusal.problem, refusal: refusal)]
            }
        case .attach, .rollout, .ping, .detach: return []
        }
    }

    /// How long the learner has said nothing; nil before it has said anything.
    public func silence(now: Time) -> Double? { lastHeard == .zero ? nil : now - lastHeard }

    public mutating func tick(now: Time) -> [Action] {
        let first = unacknowledged.first?.id.sequence
        if oldest?.sequence != first { oldest = first.map { ($0, now) } }
        if attached, now - lastHeard > Self.silenceLimit { attached = false }
        if !attached {
            guard lastAttach.map({ now - $0 > Self.attachPatience }) ?? true else { return [] }
            return attach(now)
        }
        if lastSent.sequence != nextSequence { lastSent = (nextSequence, now) }
        // Rollouts and their acknowledgements say as much: with a thousand actors, pings would cost the learner more than these.
        let quietSince = min(lastSent.time, lastHeard)
        guard now - max(lastPing, quietSince) > Self.pingInterval else { return [] }
        lastPing = now
        return leaving == nil ? [.send(.ping(produced: nextSequence - 1))] : detach()
    }

    /// Nothing more will be made: from now on the learner is asked to confirm that it has everything (`hasHandedOver`).
    public mutating func leave(reason: String) -> [Action] {
        leaving = reason
        hasHandedOver = unacknowledged.isEmpty
        tickets = []
        return detach()
    }

    private func detach() -> [Action] { attached ? [.send(.detach(produced: nextSequence - 1, reason: leaving ?? ""))] : [] }

    private mutating func attach(_ now: Time) -> [Action] {
        if let lastAttach, now - lastAttach < Self.attachInterval { return [] }
        lastAttach = now
        return [
            .send(
                .attach(
                    Attach(
                        run: run, actor: place, firstUnacknowledged: nextSequence - UInt64(unacknowledged.count), nextSequence: nextSequence,
                        producing: producing)))
        ]
    }

    private mutating func granted(_ grant: Grant) -> [Action] {
        guard grant.life >= life, grant.acknowledgedThrough < nextSequence else { return [] }
        life = grant.life
        learnerVersion = grant.version
        while let first = unacknowledged.first, first.id.sequence <= grant.acknowledgedThrough { unacknowledged.removeFirst() }
        switch grant.kind {
        case .adds:
            guard attached else { return [] }
            tickets.append(contentsOf: grant.tickets)
            return []
        case .revises:
            guard attached else { return [] }
            // The oldest of those tickets may be in use, or their rollouts on the way.
            tickets = Deque(grant.tickets.suffix(tickets.count))
            return []
        case .opens:
            attached = true
            let begunSince = nextSequence - 1 + (producing ? 1 : 0) - min(grant.begun, nextSequence - 1)
            tickets = Deque(grant.tickets.dropFirst(Int(begunSince)))
            return unacknowledged.map { .sendRollout($0) } + (leaving == nil ? [] : detach())
        }
    }
}
