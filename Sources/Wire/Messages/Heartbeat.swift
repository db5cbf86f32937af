/// One blocking operation that has begun and not ended: what is awaited, from whom, and for how long already.
public struct Wait: Sendable, Equatable {
    public var resource: String
    public var holder: String
    public var seconds: Double
    /// The thread that waits.
    public var thread: String
    /// After this many seconds somebody is told, or the wait is given up; nil: never.
    public var deadline: Double?
    public var detail: String

    public init(resource: String, holder: String, seconds: Double, thread: String = "", deadline: Double? = nil, detail: String = "") {
        self.resource = resource
        self.holder = holder
        self.seconds = seconds
        self.thread = thread
        self.deadline = deadline
        self.detail = detail
    }
}

/// What the learner knows of one actor's stream.
public struct StreamProgress: Sendable, Equatable {
    public var actor: MemberPlace
    /// Every rollout up to here has arrived.
    public var received: UInt64
    /// Every rollout up to here has come to its end.
    public var acknowledged: UInt64
    /// Rollouts that the actor may still send.
    public var tickets: UInt32
    /// Since the actor was heard.
    public var silentSeconds: Double

    public init(actor: MemberPlace, received: UInt64, acknowledged: UInt64, tickets: UInt32, silentSeconds: Double) {
        self.actor = actor
        self.received = received
        self.acknowledged = acknowledged
        self.tickets = tickets
        self.silentSeconds = silentSeconds
    }
}

/// What a member says of itself twice a second.
public struct Heartbeat: Sendable, Equatable {
    public var token: UInt64
    public var gauges: [Gauge]
    public var waits: [Wait]
    /// Seconds since 1970 by the member's clock; nil: not told.
    public var wallTime: Double?
    /// Of the learner.
    public var streams: [StreamProgress]

    public init(token: UInt64, gauges: [Gauge] = [], waits: [Wait] = [], wallTime: Double? = nil, streams: [StreamProgress] = []) {
        self.token = token
        self.gauges = gauges
        self.waits = waits
        self.wallTime = wallTime
        self.streams = streams
    }
}
