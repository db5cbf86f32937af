import Environments
import Networks
import Rollouts

/// Who a member of a run is. The coordinator itself is not a member.
public enum Role: UInt32, Sendable, Hashable, CustomStringConvertible {
    case actor = 1
    case learner = 2
    public var description: String { self == .actor ? "actor" : "learner" }
}

/// What passes between a member (or a command like `apus status`) and the coordinator. See `proto/apus.proto` for the contract.
public enum ControlMessage: Sendable, Equatable {
    case hello(Hello)
    case welcome(Welcome)
    case refusal(Refusal)
    case heartbeat(Heartbeat)
    case heartbeatReply(run: UInt64)
    case learnerLocation(LearnerLocation)
    case record(Record)
    case recordKept(through: UInt64)
    case departed(rank: UInt32, incarnation: UInt32, cause: String, ended: Bool)
    case stop(reason: String)
    case goodbye(token: UInt64, reason: String)
    case statusRequest(protocol: UInt32)
    case status(Status)
    /// A bound on policy lag that holds from now on.
    case adjust(protocol: UInt32 = WireProtocol.version, maxLag: UInt64)
    /// Whose keys the learner may let in.
    case allowList(AllowList)
}

public struct Hello: Sendable, Equatable {
    public var `protocol`: UInt32 = WireProtocol.version
    public var role: Role
    public var token: UInt64
    public var host: String
    public var pid: UInt32
    /// Set by a member that was welcomed before: it keeps its rank and incarnation.
    public var returning: MemberPlace?
    public var learner: LearnerLocation?

    public init(role: Role, token: UInt64, host: String, pid: UInt32, returning: MemberPlace? = nil, learner: LearnerLocation? = nil) {
        self.role = role
        self.token = token
        self.host = host
        self.pid = pid
        self.returning = returning
        self.learner = learner
    }
}

/// A member's place in the run: which actor (or the learner, rank 0), and the how-manieth process on that place.
public struct MemberPlace: Sendable, Hashable, CustomStringConvertible {
    public var rank: UInt32
    public var incarnation: UInt32
    public init(rank: UInt32, incarnation: UInt32) {
        self.rank = rank
        self.incarnation = incarnation
    }
    public var description: String { "\(rank).\(incarnation)" }
}

public struct Welcome: Sendable, Equatable {
    public var run: UInt64
    public var runName: String
    public var place: MemberPlace
    public var heartbeatSeconds: Double
    public var runFile: String
    public var actor: ActorAssignment?

    public init(run: UInt64, runName: String, place: MemberPlace, heartbeatSeconds: Double, runFile: String, actor: ActorAssignment?) {
        self.run = run
        self.runName = runName
        self.place = place
        self.heartbeatSeconds = heartbeatSeconds
        self.runFile = runFile
        self.actor = actor
    }
}

/// What an actor needs to know of the run.
public struct ActorAssignment: Sendable, Equatable {
    public var environment: EnvironmentSettings
    public var slots: Int
    /// Steps of a rollout.
    public var unroll: Int
    public var seed: UInt64
    public var network: NetworkSettings
    public var exploration: Exploration
    /// Whether rollouts carry what the policy said of every step, not only the log-probability of the action.
    public var keepsPolicy: Bool
    /// Where a token policy acts; then slots are responses that are drawn at once.
    public var tokens: TokenAssignment?

    public init(
        environment: EnvironmentSettings, slots: Int, unroll: Int, seed: UInt64, network: NetworkSettings, exploration: Exploration = .policy,
        keepsPolicy: Bool = false, tokens: TokenAssignment? = nil
    ) {
        self.environment = environment
        self.slots = slots
        self.unroll = unroll
        self.seed = seed
        self.network = network
        self.exploration = exploration
        self.keepsPolicy = keepsPolicy
        self.tokens = tokens
    }
}

public enum RefusalCode: UInt32, Sendable {
    case `protocol` = 1
    case unknownMember = 2
    case occupied = 3
    case wrongRun = 4
    case malformed = 5
    case finished = 6
    /// The sender's key does not allow this.
    case forbidden = 7
    /// Too many messages, or too many members.
    case overload = 8
}

/// The answer to a message that cannot be taken: what is wrong and what to do about it.
public struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    public var code: RefusalCode
    public var problem: String
    public var remedy: String
    public var `protocol`: UInt32 = WireProtocol.version

    public init(_ code: RefusalCode, problem: String, remedy: String) {
        self.code = code
        self.problem = problem
        self.remedy = remedy
    }
    public var description: String { "\(problem). \(remedy)" }

    /// The refusal that both sides send when protocol versions differ.
    public static func protocolMismatch(peer: UInt32) -> Refusal {
        Refusal(
            .protocol, problem: "protocol version \(peer) cannot talk to protocol version \(WireProtocol.version)",
            remedy: "Use the same version of Apus on both hosts.")
    }
}

public struct Gauge: Sendable, Equatable {
    public var name: String
    public var value: Double
    public init(_ name: String, _ value: Double) {
        self.name = name
        self.value = value
    }
}

/// Where actors find the learner.
public struct LearnerLocation: Sendable, Hashable {
    public var rollouts: String
    public var weights: String
    /// Counts the starts of the learner in this run.
    public var life: UInt32
    /// What the learner proves; nil: it listens without keys.
    public var key: PublicKey?
    public init(rollouts: String, weights: String, life: UInt32, key: PublicKey? = nil) {
        self.rollouts = rollouts
        self.weights = weights
        self.life = life
        self.key = key
    }
}

/// One line of the run's record.
public struct Record: Sendable, Equatable {
    public var sequence: UInt64
    /// Seconds since 1970.
    public var time: Double
    public var version: UInt64
    public var frames: UInt64
    public var scalars: [Gauge]
    /// Set on the last record of a run.
    public var outcome: Outcome?

    public init(sequence: UInt64, time: Double, version: UInt64, frames: UInt64, scalars: [Gauge], outcome: Outcome? = nil) {
        self.sequence = sequence
        self.time = time
        self.version = version
        self.frames = frames
        self.scalars = scalars
        self.outcome = outcome
    }

    public subscript(name: String) -> Double? { scalars.first { $0.name == name }?.value }
}

public struct Outcome: Sendable, Equatable {
    public var solved: Bool
    public var reason: String
    public init(solved: Bool, reason: String) {
        self.solved = solved
        self.reason = reason
    }
}
