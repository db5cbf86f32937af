/// What the coordinator knows of a member.
public struct MemberStatus: Sendable, Equatable {
    public var role: Role
    public var place: MemberPlace
    public var host: String
    public var pid: UInt32
    public var silentSeconds: Double
    public var gauges: [Gauge]
    public var waits: [Wait]
    /// Of the learner: what it knows of the actors.
    public var streams: [StreamProgress]
    /// Since it joined.
    public var ageSeconds: Double
    /// How far its clock is ahead of the coordinator's; nil until it has told the time.
    public var clockAhead: Double?

    public init(
        role: Role, place: MemberPlace, host: String, pid: UInt32, silentSeconds: Double, gauges: [Gauge], waits: [Wait],
        streams: [StreamProgress] = [], ageSeconds: Double = 0, clockAhead: Double? = nil
    ) {
        self.role = role
        self.place = place
        self.host = host
        self.pid = pid
        self.silentSeconds = silentSeconds
        self.gauges = gauges
        self.waits = waits
        self.streams = streams
        self.ageSeconds = ageSeconds
        self.clockAhead = clockAhead
    }

    public subscript(name: String) -> Double? { gauges.first { $0.name == name }?.value }
}

/// What has happened to the membership.
public struct MembershipEvent: Sendable, Equatable {
    public enum Kind: UInt32, Sendable {
        case joined = 1
        case returned = 2
        /// In order.
        case left = 3
        case lost = 4
        /// A message or a peer.
        case refused = 5
    }

    /// Whom it is about; nil for strangers.
    public struct Subject: Sendable, Equatable {
        public var role: Role
        public var place: MemberPlace
        public var host: String
        public var pid: UInt32

        public init(role: Role, place: MemberPlace, host: String, pid: UInt32) {
            self.role = role
            self.place = place
            self.host = host
            self.pid = pid
        }
    }

    public var kind: Kind
    public var secondsAgo: Double
    public var text: String
    /// How often, in a row.
    public var count: UInt32
    public var subject: Subject?

    public init(_ kind: Kind, secondsAgo: Double, text: String, count: UInt32 = 1, subject: Subject?) {
        self.kind = kind
        self.secondsAgo = secondsAgo
        self.text = text
        self.count = count
        self.subject = subject
    }
}

/// What a coordinator answers who asks for the state of its run.
public struct Status: Sendable, Equatable {
    public var run: UInt64
    public var runName: String
    public var runDirectory: String
    public var ageSeconds: Double
    public var members: [MemberStatus]
    public var lastRecord: Record?
    /// Messages and peers that were refused since the coordinator started.
    public var refused: UInt64
    /// Of the coordinator itself: how it spends its time.
    public var gauges: [Gauge]
    /// The last ones, oldest first.
    public var events: [MembershipEvent]

    public init(
        run: UInt64, runName: String, runDirectory: String, ageSeconds: Double, members: [MemberStatus], lastRecord: Record?, refused: UInt64,
        gauges: [Gauge] = [], events: [MembershipEvent] = []
    ) {
        self.run = run
        self.runName = runName
        self.runDirectory = runDirectory
        self.ageSeconds = ageSeconds
        self.members = members
        self.lastRecord = lastRecord
        self.refused = refused
        self.gauges = gauges
        self.events = events
    }
}
