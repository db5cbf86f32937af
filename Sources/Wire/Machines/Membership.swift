import Platform

/// The coordinator's side of the control conversation: who takes part, on which place, and since when silent. A pure state machine.
public struct Membership: Sendable {
    public typealias Peer = [UInt8]

    public enum Action: Sendable, Equatable {
        case send(Peer, ControlMessage)
        /// Must be on disk before the sends that follow it.
        case persist(Ledger)
        case append(Record)
        case log(String)
        /// Must be in the run file before the sends that follow it: see `replaceRunFile`.
        case adjust(maxLag: UInt64)
        /// The run is over, and everybody who was told has gone.
        case end(Outcome)
    }

    struct Member: Sendable {
        var role: Role
        var place: MemberPlace
        var peer: Peer
        var host: String
        var pid: UInt32
        let joined: Time
        var lastHeard: Time
        var gauges: [Gauge] = []
        var waits: [Wait] = []
        var streams: [StreamProgress] = []
        var clock = ClockOffset()
        /// The key that it has proved; nil without keys.
        var key: AllowedKey?
        /// How often it was told to say that it lives, in seconds.
        var heartbeat: Double

        var description: String { "\(role) \(place) (process \(pid) on \(host)\(key.map { ", key of \($0.name)" } ?? ""))" }
        var subject: MembershipEvent.Subject { MembershipEvent.Subject(role: role, place: place, host: host, pid: pid) }
    }

    private(set) var settings: Settings
    let started: Time
    /// Another coordinator has led this run before, and its members may be about to come back.
    private let follows: Bool
    private var ledger: Ledger
    private(set) var members: [UInt64: Member] = [:]
    /// By token, processes that were taken for gone: one that was only slow gets its place again.
    private var former: [UInt64: Member] = [:]
    /// Of those, the ones that may still live, as far as is known.
    private var doubtful: Set<UInt64> = []
    private var learner: LearnerLocation?
    private(set) var records: KeptRecords
    private var lastTick: Time?
    private var stopReason: String?
    private var stopDeadline: Time?
    private var outcome: Outcome?
    private(set) var events = EventLog()

    public private(set) var refused: UInt64 = 0
    /// Whose keys the learner may let in; nil: there are no keys in this run.
    private var allowed: AllowList?
    /// How the coordinator spends its time, for the status.
    public var gauges: [Gauge] = []
    /// Keys that were turned away, for the status.
    public var rejected: [RejectedKey] = []

    /// A member that has missed its heartbeats this long, and whose connection is closed as well, is gone: sooner than silence alone would tell. A
    /// living one would have introduced itself over another connection by now.
    static let quietLimit = 1.0
    /// Longer than this between two ticks, and the coordinator itself was stopped, in seconds.
    static let standstill = 1.5
    /// So many processes that were taken for gone get their own place again.
    static let formerLimit = 65_536
    /// How long members may take to finish after a stop, in seconds.
    static let stopPatience = 15.0
    /// How long a coordinator that has followed another one waits for the members of before, in seconds: one that is stopped in its first moment
    /// must hear how far the learner has come.
    static let returnPatience = 1.5

    /// - Parameter written: the times of the records that a coordinator before this one has written.
    public init(_ settings: Settings, ledger: Ledger, written: Set<Double> = [], now: Time) {
        self.settings = settings
        self.ledger = ledger
        records = KeptRecords(written: written, lives: ledger.learnerLives)
        started = now
        follows = ledger.learnerLives > 0
    }

    /// Processes of this host, so that the shell can ask the kernel whether they are alive: quicker than waiting for silence.
    public func processes(on host: String) -> [(token: UInt64, pid: UInt32)] {
        (members.map { $0 } + doubtful.map { ($0, former[$0]!) }).filter { $0.1.host == host }.map { ($0.0, $0.1.pid) }
    }

    /// Members that should have been heard from, so that the shell can ask the transport whether they are still connected.
    public func quiet(now: Time) -> [(token: UInt64, peer: Peer)] {
        members.filter { now - $0.value.lastHeard > max(Self.quietLimit, 2 * $0.value.heartbeat) }.map { ($0.key, $0.value.peer) }
    }

    // MARK: Events

    /// - Parameters:
    ///   - key: what the connection has proved; nil: it is one without keys.
    ///   - wall: seconds since 1970 by the coordinator's clock, to compare the members' with.
    public mutating func received(
        _ message: ControlMessage, from peer: Peer, key: AllowedKey? = nil, now: Time, wall: Double? = nil
    ) -> [Action] {
        if let key, let refusal = ControlGate.refusal(of: message, from: key) { return [refuse(peer, refusal, now)] }
        switch message {
        case .hello(let hello): return welcome(hello, from: peer, key, now: now)
        case .statusRequest(let version):
            guard version == WireProtocol.version else { return [refuse(peer, .protocolMismatch(peer: version), now)] }
            return [.send(peer, .status(status(now: now)))]
        case .adjust(let version, let maxLag):
            guard version == WireProtocol.version else { return [refuse(peer, .protocolMismatch(peer: version), now)] }
            let learner = members.values.first { $0.role == .learner }
            return [.adjust(maxLag: maxLag), .log("learner.max_lag is \(maxLag) from now on")]
                + (learner.map { [.send($0.peer, message)] } ?? []) + [.send(peer, message)]
        case .heartbeat(let heartbeat):
            // Over another connection than the one that is known: what was sent over that may be lost, so it introduces itself again.
            guard members[heartbeat.token]?.peer == peer else { return [unknown(peer)] }
            members[heartbeat.token]!.lastHeard = now
            members[heartbeat.token]!.gauges = heartbeat.gauges
            members[heartbeat.token]!.waits = heartbeat.waits
            members[heartbeat.token]!.streams = heartbeat.streams
            if let wall, let sent = heartbeat.wallTime { members[heartbeat.token]!.clock.add(sent: sent, received: wall) }
            return [.send(peer, .heartbeatReply(run: settings.run))]
        case .record(let record):
            guard let learner = members.values.first(where: { $0.role == .learner && $0.peer == peer }) else { return [unknown(peer)] }
            return keep(record, from: learner)
        case .goodbye(let token, let reason):
            guard members[token] != nil else { return [] }
            return left(token, cause: reason, expected: true, ended: true, now) + endIfDone(now)
        case .welcome, .refusal, .heartbeatReply, .learnerLocation, .recordKept, .departed, .stop, .status, .allowList:
            return [refuse(peer, Refusal(.malformed, problem: "a member does not send this message", remedy: "See proto/apus.proto."), now)]
        }
    }

    public mutating func malformed(_ error: WireError, from peer: Peer, now: Time) -> [Action] {
        [refuse(peer, Refusal(.malformed, problem: error.description, remedy: "Send messages as proto/apus.proto describes them."), now)]
    }

    /// A peer sends more than it may: what it says is not heard.
    public mutating func overloaded(by peer: Peer, now: Time) -> [Action] {
        [.log("a connection sends more messages than it may; they are thrown away"), refuse(peer, .tooManyMessages, now)]
    }

    /// Whether the peer is this run's learner, whose record may come in bursts.
    public func isLearner(_ peer: Peer) -> Bool { members.values.contains { $0.role == .learner && $0.peer == peer } }

    /// From now on these keys may take part, and no others: whoever is there with another one is taken for gone.
    public mutating func allow(_ list: AllowList, now: Time) -> [Action] {
        allowed = list
        let learner = members.values.first { $0.role == .learner && list[$0.key?.key]?.roles.allows(.learner) ?? false }
        let revoked = members.filter { $0.value.key != nil && !(list[$0.value.key?.key]?.roles.allows($0.value.role) ?? false) }.keys.sorted()
        return (learner.map { [.send($0.peer, .allowList(list))] } ?? []) + revoked.flatMap { left($0, cause: "its key was revoked", expected: false, ended: true, now) }
            + endIfDone(now)
    }

    /// The kernel says that this process is no more.
    public mutating func processGone(_ token: UInt64, now: Time) -> [Action] {
        if doubtful.remove(token) != nil, let member = former[token] {
            return [.log("\(member.description) has ended")] + depart(member, cause: "its process ended", ended: true)
        }
        return left(token, cause: "its process ended", expected: false, ended: true, now) + endIfDone(now)
    }

    /// A quiet member has no connection any more. Who is still to be told of the end gets the whole time in which silence is no departure: it may
    /// be about to make another connection, and would find nobody.
    public mutating func unreachable(_ token: UInt64, now: Time) -> [Action] {
        guard stopReason == nil else { return [] }
        return left(token, cause: "its connection is closed", expected: false, ended: false, now) + endIfDone(now)
    }

    public mutating func tick(now: Time) -> [Action] {
        // A coordinator that stood still itself has no reason to take the others for silent.
        if let lastTick, now - lastTick > Self.standstill {
            for token in members.keys { members[token]!.lastHeard = members[token]!.lastHeard + (now - lastTick) }
        }
        lastTick = now
        let silent = members.filter { now - $0.value.lastHeard > silenceLimit(of: $0.value) }.sorted { $0.key < $1.key }
        return silent.flatMap { left($0.key, cause: "silent for \(silenceLimit(of: $0.value)) s", expected: false, ended: false, now) } + endIfDone(now)
    }

    private func silenceLimit(of member: Member) -> Double { max(settings.silenceLimit, HeartbeatPace.missed * member.heartbeat) }

    /// Ends the run: everybody is told; `end` follows when they have gone.
    public mutating func stop(reason: String, now: Time) -> [Action] {
        guard stopReason == nil else { return [] }
        stopReason = reason
        stopDeadline = now + Self.stopPatience
        return members.keys.sorted().map { .send(members[$0]!.peer, .stop(reason: reason)) } + endIfDone(now)
    }

    /// The description that members get from now on.
    public mutating func replaceRunFile(_ text: String) { settings.runFile = text }

    // MARK: Parts

    private mutating func welcome(_ hello: Hello, from peer: Peer, _ key: AllowedKey?, now: Time) -> [Action] {
        guard hello.protocol == WireProtocol.version else { return [refuse(peer, .protocolMismatch(peer: hello.protocol), now)] }
        if let stopReason, members[hello.token] == nil, hello.returning == nil {
            return [
                refuse(peer, Refusal(.finished, problem: "the run is over: \(stopReason)", remedy: "Start a new run, or resume this one."), now)
            ]
        }
        if let member = members[hello.token] {
            guard member.key?.key == key?.key else { return [refuse(peer, .anotherKey, now)] }
            members[hello.token]!.peer = peer
            members[hello.token]!.lastHeard = now
            return admit(hello, members[hello.token]!) + stopAgain(peer)
        }

        let returning = hello.returning ?? former[hello.token]?.place
        if let returning, !ledger.hasGiven(returning, to: hello.role) {
            let problem = "this coordinator leads another run than the one in which this process is \(hello.role) \(returning)"
            return [refuse(peer, Refusal(.wrongRun, problem: problem, remedy: "Start this process again to take part in this run."), now)]
        }
        if let returning, hello.role == .actor, ledger.isHeld(returning, byAnotherThan: key) { return [refuse(peer, .anotherKey, now)] }
        var actions: [Action] = []
        let place: MemberPlace
        switch hello.role {
        case .learner:
            if let other = members.first(where: { $0.value.role == .learner })?.value {
                return [
                    refuse(
                        peer,
                        Refusal(
                            .occupied, problem: "this run has a learner: process \(other.pid) on \(other.host)",
                            remedy: "Stop it first; if it is dead, its place is free \(settings.silenceLimit) s after its last heartbeat."), now)
                ]
            }
            place = MemberPlace(rank: 0, incarnation: returning?.incarnation ?? ledger.learnerLives + 1)
        case .actor:
            let taken = members.values.filter { $0.role == .actor }.map(\.place)
            guard taken.count < settings.maximumActors else {
                let problem = "this run has \(taken.count) actors, the most that it takes (actors.maximum)"
                return [refuse(peer, Refusal(.overload, problem: problem, remedy: "Give the actors that there are more slots instead."), now)]
            }
            // Its rank may have gone to a newcomer while this coordinator did not know of it: incarnations keep the two apart.
            if let returning, taken.contains(returning) {
                return [
                    refuse(
                        peer,
                        Refusal(
                            .occupied, problem: "another process has taken the place of actor \(returning)",
                            remedy: "Start this actor again; it will get a place of its own."), now)
                ]
            }
            place = returning ?? ledger.freePlace(beside: taken)
        }
        ledger.give(place, to: hello.role, holder: key)
        actions.append(.persist(ledger))
        let heartbeat = hello.role == .learner ? settings.heartbeatSeconds : HeartbeatPace.interval(members: members.count, atLeast: settings.heartbeatSeconds)
        let member = Member(
            role: hello.role, place: place, peer: peer, host: hello.host, pid: hello.pid, joined: now, lastHeard: now, key: key, heartbeat: heartbeat)
        members[hello.token] = member
        doubtful.remove(hello.token)
        events.note(returning == nil ? .joined : .returned, "", of: member.subject, now)
        actions.append(.log("\(member.description) \(returning == nil ? "joined" : "is back")"))
        return actions + admit(hello, member) + stopAgain(peer)
    }

    /// For a member that has come back on another connection, where what was sent on the one before is lost.
    private func stopAgain(_ peer: Peer) -> [Action] { stopReason.map { [.send(peer, .stop(reason: $0))] } ?? [] }

    private mutating func admit(_ hello: Hello, _ member: Member) -> [Action] {
        let peer = member.peer
        let welcome = Welcome(
            run: settings.run, runName: settings.runName, place: member.place, heartbeatSeconds: member.heartbeat,
            runFile: settings.runFile, actor: hello.role == .actor ? settings.assignment : nil)
        var actions: [Action] = [.send(peer, .welcome(welcome))]
        switch hello.role {
        case .actor:
            if let learner { actions.append(.send(peer, .learnerLocation(learner))) }
        case .learner:
            if let allowed { actions.append(.send(peer, .allowList(allowed))) }
            if var location = hello.learner {
                location.life = member.place.incarnation
                learner = location
                for token in members.keys.sorted() where members[token]!.role == .actor {
                    actions.append(.send(members[token]!.peer, .learnerLocation(location)))
                }
            }
        }
        return actions
    }

    private mutating func keep(_ record: Record, from learner: Member) -> [Action] {
        let isNew = records.take(record, of: learner.place.incarnation)
        if let outcome = record.outcome { self.outcome = outcome }
        return (isNew ? [.append(record)] : []) + [.send(learner.peer, .recordKept(through: record.sequence))]
    }

    private mutating func left(_ token: UInt64, cause: String, expected: Bool, ended: Bool, _ now: Time) -> [Action] {
        guard let member = members.removeValue(forKey: token) else { return [] }
        events.note(expected ? .left : .lost, cause, of: member.subject, now)
        // Tokens are the choice of whoever comes: not all of them are remembered.
        if former.count >= Self.formerLimit {
            former = former.filter { doubtful.contains($0.key) }
            if former.count >= Self.formerLimit { (former, doubtful) = ([:], []) }
        }
        former[token] = member
        if !ended { doubtful.insert(token) }
        return [.log("\(member.description) \(expected ? "left" : "was lost"): \(cause)")] + depart(member, cause: cause, ended: ended)
    }

    /// The learner is told of an actor.
    private func depart(_ member: Member, cause: String, ended: Bool) -> [Action] {
        guard member.role == .actor, let learner = members.values.first(where: { $0.role == .learner }) else { return [] }
        return [
            .send(
                learner.peer, .departed(rank: member.place.rank, incarnation: member.place.incarnation, cause: cause, ended: ended))
        ]
    }

    /// The outcome stands in the learner's last record; after it, the others are told to go.
    private mutating func endIfDone(_ now: Time) -> [Action] {
        var actions: [Action] = []
        if let outcome, stopReason == nil { actions += stop(reason: outcome.reason, now: now) }
        guard let stopReason, let stopDeadline, members.isEmpty || now > stopDeadline else { return actions }
        if follows, outcome == nil, now - started < Self.returnPatience { return actions }
        return actions + [.end(outcome ?? Outcome(solved: false, reason: stopReason))]
    }

    private mutating func refuse(_ peer: Peer, _ refusal: Refusal, _ now: Time) -> Action {
        refused += 1
        events.note(.refused, refusal.problem, of: nil, now)
        return .send(peer, .refusal(refusal))
    }

    private func unknown(_ peer: Peer) -> Action {
        .send(peer, .refusal(Refusal(.unknownMember, problem: "the coordinator does not know this process", remedy: "Say hello first.")))
    }
}
