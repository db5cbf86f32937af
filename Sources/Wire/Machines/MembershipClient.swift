import DequeModule
import Platform

/// A member's side of the control conversation: says hello until it is welcomed, beats, keeps records until they are kept, comes back
/// after the coordinator has been away. A pure state machine.
public struct MembershipClient: Sendable {
    public enum Action: Sendable, Equatable {
        case send(ControlMessage)
        /// First welcome of this process: the run is known now.
        case joined(Welcome)
        case located(LearnerLocation)
        case departed(MemberPlace, cause: String, ended: Bool)
        case stop(reason: String)
        /// A bound on policy lag that holds from now on.
        case adjust(maxLag: UInt64)
        /// Whose keys the learner may let in from now on.
        case allowed(AllowList)
        /// The coordinator will not take this process.
        case refused(Refusal)
    }

    private var hello: Hello
    private var welcome: Welcome?
    private var registered = false
    private var lastHello: Time?
    private var lastHeartbeat = Time.zero
    private var lastHeard = Time.zero
    /// While there is no coordinator: since when, as far as this process was awake, and when that was looked at last.
    private var alone: (since: Time, looked: Time)?
    private var learnerLife: UInt32 = 0
    private var records = Deque<Record>()

    /// While there is no connection; short, because every start waits for it.
    static let helloInterval = 0.02
    /// Once it was sent: a coordinator that a thousand members greet at once needs some time for each of them.
    static let helloPatience = 0.5
    /// The coordinator is taken for gone after this many heartbeats without a reply.
    static let patience = 4.0
    /// An actor that took part gives up when it has heard neither coordinator nor learner for so long, in seconds: the run may have ended without it.
    public static let runPatience = 600.0
    /// Longer than this between two ticks, and this process was stopped, in seconds.
    static let standstill = 1.5
    /// The oldest records go when the coordinator stays away for so long that this many wait.
    static let recordLimit = 100_000

    private var helloWasSent = false

    public init(hello: Hello) { self.hello = hello }

    public var isRegistered: Bool { registered }
    public var place: MemberPlace? { welcome?.place }
    /// Records that the coordinator has not yet kept.
    public var waitingRecords: Int { records.count }
    /// The oldest of them, by the wall clock of whoever made it.
    public var oldestRecordTime: Double? { records.first?.time }

    /// The learner's address is known only when it has been welcomed and has bound its sockets.
    public mutating func announce(_ location: LearnerLocation) -> [Action] {
        hello.learner = location
        return registered ? [.send(.hello(hello))] : []
    }

    public mutating func record(_ record: Record) -> [Action] {
        if records.count == Self.recordLimit { records.removeFirst() }
        records.append(record)
        return registered ? [.send(.record(record))] : []
    }

    public mutating func goodbye(reason: String) -> [Action] {
        registered ? [.send(.goodbye(token: hello.token, reason: reason))] : []
    }

    /// The transport did not take a message: there is no connection.
    public mutating func notSent() { helloWasSent = false }

    /// - Parameters heartbeat: makes the content of a heartbeat when one is due; the token is this machine's.
    public mutating func tick(now: Time, heartbeat: () -> Heartbeat) -> [Action] {
        let interval = welcome?.heartbeatSeconds ?? 1
        if registered, now - lastHeard > interval * Self.patience { registered = false }
        if !registered { countTimeAlone(now) }
        guard registered else {
            let pause = helloWasSent ? Self.helloPatience : Self.helloInterval
            guard lastHello.map({ now - $0 >= pause }) ?? true else { return [] }
            lastHello = now
            if isForsaken(now, heartbeat) { return [.refused(forsaken)] }
            helloWasSent = true
            return [.send(.hello(hello))]
        }
        guard now - lastHeartbeat >= interval else { return [] }
        lastHeartbeat = now
        var content = heartbeat()
        content.token = hello.token
        return [.send(.heartbeat(content))]
    }

    public mutating func received(_ message: ControlMessage, now: Time) -> [Action] {
        lastHeard = now
        switch message {
        case .welcome(let welcome): return welcomed(welcome, now)
        case .refusal(let refusal):
            if refusal.code == .unknownMember {
                registered = false
                return []
            }
            return [.refused(refusal)]
        case .learnerLocation(let location):
            guard location.life >= learnerLife else { return [] }
            learnerLife = location.life
            return [.located(location)]
        case .recordKept(let through):
            while let first = records.first, first.sequence <= through { records.removeFirst() }
            return []
        case .departed(let rank, let incarnation, let cause, let ended):
            return [.departed(MemberPlace(rank: rank, incarnation: incarnation), cause: cause, ended: ended)]
        case .stop(let reason): return [.stop(reason: reason)]
        case .adjust(_, let maxLag): return [.adjust(maxLag: maxLag)]
        case .allowList(let list): return [.allowed(list)]
        case .hello, .heartbeat, .heartbeatReply, .record, .goodbye, .statusRequest, .status: return []
        }
    }

    private mutating func countTimeAlone(_ now: Time) {
        var time = alone ?? (now, now)
        if now - time.looked > Self.standstill { time.since = time.since + (now - time.looked) }
        time.looked = now
        alone = time
    }

    /// A coordinator may be away while acting and learning go on: what this actor says of itself tells whether it hears the learner.
    private func isForsaken(_ now: Time, _ heartbeat: () -> Heartbeat) -> Bool {
        guard hello.role == .actor, welcome != nil, let alone, now - alone.since > Self.runPatience else { return false }
        let silence = heartbeat().gauges.first { $0.name == "learner_silent_seconds" }?.value
        return silence.map { $0 > Self.runPatience } ?? true
    }

    private var forsaken: Refusal {
        Refusal(
            .unknownMember,
            problem: "nobody of the run \(welcome?.runName ?? "") has been heard for \(Int(Self.runPatience / 60)) minutes: it has ended, or cannot be reached",
            remedy: "If it goes on, start this actor again.")
    }

    private mutating func welcomed(_ welcome: Welcome, _ now: Time) -> [Action] {
        let first = self.welcome == nil
        if !first, let before = self.welcome, before.run != welcome.run || before.place != welcome.place {
            return [
                .refused(
                    Refusal(
                        .wrongRun, problem: "the coordinator now leads the run \(welcome.runName), not \(before.runName)",
                        remedy: "Start this process again to take part in it."))
            ]
        }
        self.welcome = welcome
        hello.returning = welcome.place
        let again = !registered
        registered = true
        alone = nil
        lastHeartbeat = now
        return (first ? [.joined(welcome)] : []) + (again ? records.map { .send(.record($0)) } : [])
    }
}
