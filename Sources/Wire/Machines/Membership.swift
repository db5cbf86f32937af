import Platform

/// The coordinator's side of the control conversation: who takes part, on which place, and since when silent. A pure state machine.
public struct Membership: Sendable {
    public typealias Peer = [UInt8]

    public struct Settings: Sendable {
        public var run: UInt64
        public var runName: String
        public var runFile: String
        public var runDirectory: String
        public var heartbeatSeconds: Double
        /// A member that was silent this long is taken for gone.
        public var silenceLimit: Double
        public var assignment: ActorAssignment

        public init(
            run: UInt64, runName: String, runFile: String, runDirectory: String, heartbeatSeconds: Double = 0.5, silenceLimit: Double = 3,
            assignment: ActorAssignment
        ) {
            self.run = run
            self.runName = runName
            self.runFile = runFile
            self.runDirectory = runDirectory
            self.heartbeatSeconds = heartbeatSeconds
            self.silenceLimit = silenceLimit
            self.assignment = assignment
        }
    }

    /// What must outlive the coordinator: incarnations never repeat, or two processes would draw the same random numbers.
    public struct Ledger: Sendable, Equatable {
        /// By rank: how many incarnations were handed out.
        public var incarnations: [UInt32: UInt32] = [:]
        public var learnerLives: UInt32 = 0
        public init() {}
    }

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

    private struct Member: Sendable {
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

        var description: String { "\(role) \(place) (process \(pid) on \(host))" }
        var subject: MembershipEvent.Subject { MembershipEvent.Subject(role: role, place: place, host: host, pid: pid) }
    }

    private var settings: Settings
    private let started: Time
    /// Another coordinator has led this run before, and its members may be about to come back.
    private let follows: Bool
    private var ledger: Ledger
    private var members: [UInt64: Member] = [:]
    /// By token, processes that were taken for gone: one that was only slow gets its place again.
    private var former: [UInt64: Member] = [:]
    /// Of those, the ones that may still live, as far as is known.
    private var doubtful: Set<UInt64> = []
    private var learner: LearnerLocation?
    /// Records up to here are on disk: by the learner's clock, which a re-sent record carries unchanged.
    private var lastRecordTime: Double
    private var lastRecord: Record?
    private var lastTick: Time?
    private var stopReason: String?
    private var stopDeadline: Time?
    private var outcome: Outcome?
    /// The last ones, oldest first, with the time of each.
    private var events: [(time: Time, event: MembershipEvent)] = []

    public private(set) var refused: UInt64 = 0
    /// How the coordinator spends its time, for the status.
    public var gauges: [Gauge] = []

    /// A member that has missed its heartbeats this long, and whose connection is closed as well, is gone: sooner than silence alone would tell. A
    /// living one would have introduced itself over another connection by now.
    static let quietLimit = 1.0
    /// How many events the status tells.
    package static let eventsKept = 64
    /// Longer than this between two ticks, and the coordinator itself was stopped, in seconds.
    static let standstill = 1.5
    /// How long members may take to finish after a stop, in seconds.
    static let stopPatience = 15.0
    /// How long a coordinator that has followed another one waits for the members of before, in seconds: one that is stopped in its first moment
    /// must hear how far the learner has come.
    static let returnPatience = 1.5

    public init(_ settings: Settings, ledger: Ledger, lastRecordTime: Double, now: Time) {
        self.settings = settings
        self.ledger = ledger
        self.lastRecordTime = lastRecordTime
        started = now
        follows = ledger.learnerLives > 0
    }

    /// Processes of this host, so that the shell can ask the kernel whether they are alive: quicker than waiting for silence.
    public func processes(on host: String) -> [(token: UInt64, pid: UInt32)] {
        (members.map { $0 } + doubtful.map { ($0, former[$0]!) }).filter { $0.1.host == host }.map { ($0.0, $0.1.pid) }
    }

    /// Members that should have been heard from, so that the shell can ask the transport whether they are still connected.
    public func quiet(now: Time) -> [(token: UInt64, peer: Peer)] {
        members.filter { now - $0.value.lastHeard > Self.quietLimit }.map { ($0.key, $0.value.peer) }
    }

    // MARK: Events

    /// - Parameter wall: seconds since 1970 by the coordinator's clock, to compare the members' with.
    public mutating func received(_ message: ControlMessage, from peer: Peer, now: Time, wall: Double? = nil) -> [Action] {
        switch message {
        case .hello(let hello): return welcome(hello, from: peer, now: now)
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
            guard members.values.contains(where: { $0.role == .learner && $0.peer == peer }) else { return [unknown(peer)] }
            return keep(record, from: peer)
        case .goodbye(let token, let reason):
            guard members[token] != nil else { return [] }
            return left(token, cause: reason, expected: true, ended: true, now) + endIfDone(now)
        case .welcome, .refusal, .heartbeatReply, .learnerLocation, .recordKept, .departed, .stop, .status:
            return [refuse(peer, Refusal(.malformed, problem: "a member does not send this message", remedy: "See proto/apus.proto."), now)]
        }
    }

    public mutating func malformed(_ error: WireError, from peer: Peer, now: Time) -> [Action] {
        [refuse(peer, Refusal(.malformed, problem: error.description, remedy: "Send messages as proto/apus.proto describes them."), now)]
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
        let silent = members.filter { now - $0.value.lastHeard > settings.silenceLimit }.keys.sorted()
        return silent.flatMap { left($0, cause: "silent for \(settings.silenceLimit) s", expected: false, ended: false, now) } + endIfDone(now)
    }

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

    private mutating func welcome(_ hello: Hello, from peer: Peer, now: Time) -> [Action] {
        guard hello.protocol == WireProtocol.version else { return [refuse(peer, .protocolMismatch(peer: hello.protocol), now)] }
        if let stopReason, members[hello.token] == nil, hello.returning == nil {
            return [
                refuse(peer, Refusal(.finished, problem: "the run is over: \(stopReason)", remedy: "Start a new run, or resume this one."), now)
            ]
        }
        if members[hello.token] != nil {
            members[hello.token]!.peer = peer
            members[hello.token]!.lastHeard = now
            return admit(hello, to: members[hello.token]!.place, peer) + stopAgain(peer)
        }

        let returning = hello.returning ?? former[hello.token]?.place
        if let returning, !wasGiven(returning, to: hello.role) {
            let problem = "this coordinator leads another run than the one in which this process is \(hello.role) \(returning)"
            return [refuse(peer, Refusal(.wrongRun, problem: problem, remedy: "Start this process again to take part in this run."), now)]
        }
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
            let life = returning?.incarnation ?? ledger.learnerLives + 1
            place = MemberPlace(rank: 0, incarnation: life)
            ledger.learnerLives = max(ledger.learnerLives, life)
        case .actor:
            let taken = members.values.filter { $0.role == .actor }.map(\.place)
            if let returning {
                // Its rank may have gone to a newcomer while this coordinator did not know of it: incarnations keep the two apart.
                guard !taken.contains(returning) else {
                    return [
                        refuse(
                            peer,
                            Refusal(
                                .occupied, problem: "another process has taken the place of actor \(returning)",
                                remedy: "Start this actor again; it will get a place of its own."), now)
                    ]
                }
                place = returning
            } else {
                let ranks = Set(taken.map(\.rank))
                let rank = (0..<UInt32.max).first { !ranks.contains($0) }!
                place = MemberPlace(rank: rank, incarnation: ledger.incarnations[rank] ?? 0)
            }
            ledger.incarnations[place.rank] = max(ledger.incarnations[place.rank] ?? 0, place.incarnation + 1)
        }
        actions.append(.persist(ledger))
        let member = Member(role: hello.role, place: place, peer: peer, host: hello.host, pid: hello.pid, joined: now, lastHeard: now)
        members[hello.token] = member
        doubtful.remove(hello.token)
        note(returning == nil ? .joined : .returned, "", of: member.subject, now)
        actions.append(.log("\(member.description) \(returning == nil ? "joined" : "is back")"))
        return actions + admit(hello, to: place, peer) + stopAgain(peer)
    }

    /// For a member that has come back on another connection, where what was sent on the one before is lost.
    private func stopAgain(_ peer: Peer) -> [Action] { stopReason.map { [.send(peer, .stop(reason: $0))] } ?? [] }

    /// Whether this run ever gave out the place, of the learner's the latest: whoever returns must come from this run.
    private func wasGiven(_ place: MemberPlace, to role: Role) -> Bool {
        switch role {
        case .learner: place.incarnation == ledger.learnerLives
        case .actor: place.incarnation < ledger.incarnations[place.rank] ?? 0
        }
    }

    private mutating func admit(_ hello: Hello, to place: MemberPlace, _ peer: Peer) -> [Action] {
        let welcome = Welcome(
            run: settings.run, runName: settings.runName, place: place, heartbeatSeconds: settings.heartbeatSeconds,
            runFile: settings.runFile, actor: hello.role == .actor ? settings.assignment : nil)
        var actions: [Action] = [.send(peer, .welcome(welcome))]
        switch hello.role {
        case .actor:
            if let learner { actions.append(.send(peer, .learnerLocation(learner))) }
        case .learner:
            if var location = hello.learner {
                location.life = place.incarnation
                learner = location
                for token in members.keys.sorted() where members[token]!.role == .actor {
                    actions.append(.send(members[token]!.peer, .learnerLocation(location)))
                }
            }
        }
        return actions
    }

    private mutating func keep(_ record: Record, from peer: Peer) -> [Action] {
        var actions: [Action] = []
        if record.time > lastRecordTime {
            lastRecordTime = record.time
            lastRecord = record
            actions.append(.append(record))
        }
        actions.append(.send(peer, .recordKept(through: record.sequence)))
        if let outcome = record.outcome { self.outcome = outcome }
        return actions
    }

    private mutating func left(_ token: UInt64, cause: String, expected: Bool, ended: Bool, _ now: Time) -> [Action] {
        guard let member = members.removeValue(forKey: token) else { return [] }
        note(expected ? .left : .lost, cause, of: member.subject, now)
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
        note(.refused, refusal.problem, of: nil, now)
        return .send(peer, .refusal(refusal))
    }

    private func unknown(_ peer: Peer) -> Action {
        .send(peer, .refusal(Refusal(.unknownMember, problem: "the coordinator does not know this process", remedy: "Say hello first.")))
    }

    /// Keeps an event for the status. A stranger that is refused again and again takes one place.
    private mutating func note(_ kind: MembershipEvent.Kind, _ text: String, of subject: MembershipEvent.Subject?, _ now: Time) {
        var event = MembershipEvent(kind, secondsAgo: 0, text: text, subject: subject)
        if kind == .refused, let index = events.lastIndex(where: { $0.event.kind == .refused && $0.event.text == text }) {
            event.count = events.remove(at: index).event.count &+ 1
        } else if events.count == Self.eventsKept {
            // Refusals go first: who takes part is worth more than who does not.
            events.remove(at: events.firstIndex { $0.event.kind == .refused } ?? 0)
        }
        events.append((now, event))
    }

    public func status(now: Time) -> Status {
        let list = members.values.sorted { ($0.role.rawValue, $0.place) < ($1.role.rawValue, $1.place) }
        return Status(
            run: settings.run, runName: settings.runName, runDirectory: settings.runDirectory, ageSeconds: now - started,
            members: list.map {
                MemberStatus(
                    role: $0.role, place: $0.place, host: $0.host, pid: $0.pid, silentSeconds: now - $0.lastHeard, gauges: $0.gauges,
                    waits: $0.waits, streams: $0.streams, ageSeconds: now - $0.joined, clockAhead: $0.clock.seconds)
            }, lastRecord: lastRecord, refused: refused, gauges: gauges,
            events: events.map { time, event in
                var event = event
                event.secondsAgo = now - time
                return event
            })
    }
}
