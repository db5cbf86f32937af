import Tensors

/// What a worker is asked to make.
public struct Open: Sendable, Equatable {
    public var `protocol`: UInt32 = WorkerProtocol.version
    public var environment: String
    /// One for each slot; none: only the spaces are asked for.
    public var seeds: [UInt64]
    public var options: [String: Double]
    /// nil: the environment's own limit.
    public var maxEpisodeSteps: Int?

    public init(environment: String, seeds: [UInt64], options: [String: Double] = [:], maxEpisodeSteps: Int? = nil) {
        self.environment = environment
        self.seeds = seeds
        self.options = options
        self.maxEpisodeSteps = maxEpisodeSteps
    }
}

/// How a worker presents itself.
public struct Hello: Sendable, Equatable {
    public var `protocol`: UInt32 = WorkerProtocol.version
    public var name: String
    public var libraries: [String]
    /// It can answer `Share`.
    public var sharesMemory: Bool

    public init(name: String, libraries: [String], sharesMemory: Bool = false) {
        self.name = name
        self.libraries = libraries
        self.sharesMemory = sharesMemory
    }
}

/// Where a worker steps through memory: the numbers that descriptors have in the worker, and where tensors begin in the file.
public struct Share: Sendable, Equatable {
    public var memory: UInt32
    public var workerBell: UInt32
    public var apusBell: UInt32
    public var size: Int
    public var actions: Int
    public var observations: Int
    public var rewards: Int
    public var terminated: Int
    public var truncated: Int
    public var finalObservations: Int

    public init(
        memory: UInt32, workerBell: UInt32, apusBell: UInt32, size: Int, actions: Int, observations: Int, rewards: Int, terminated: Int,
        truncated: Int, finalObservations: Int
    ) {
        (self.memory, self.workerBell, self.apusBell, self.size) = (memory, workerBell, apusBell, size)
        (self.actions, self.observations, self.rewards) = (actions, observations, rewards)
        (self.terminated, self.truncated, self.finalObservations) = (terminated, truncated, finalObservations)
    }
}

/// What a worker has made.
public struct Opened: Sendable, Equatable {
    public var observationSpace: Space
    public var actionSpace: Space
    /// Where episodes are truncated; nil: nowhere.
    public var maxEpisodeSteps: Int?
    public var solvedReturn: Double?
    /// One line for people.
    public var notes: String

    public init(observationSpace: Space, actionSpace: Space, maxEpisodeSteps: Int? = nil, solvedReturn: Double? = nil, notes: String = "") {
        self.observationSpace = observationSpace
        self.actionSpace = actionSpace
        self.maxEpisodeSteps = maxEpisodeSteps
        self.solvedReturn = solvedReturn
        self.notes = notes
    }
}

/// That a worker cannot answer.
public struct Failure: Sendable, Equatable {
    public enum Kind: UInt32, Sendable {
        /// Starting again may help.
        case error = 0
        /// It cannot be done, now or later.
        case refused = 1
    }

    public var kind: Kind
    public var problem: String
    public var remedy: String
    public var slots: [Int]

    public init(_ kind: Kind, problem: String, remedy: String = "", slots: [Int] = []) {
        self.kind = kind
        self.problem = problem
        self.remedy = remedy
        self.slots = slots
    }
}

/// The first frame of what Apus sends.
public enum FromApus: Sendable, Equatable {
    case open(Open)
    case reset
    /// Followed by the actions.
    case step
    case close
    case share(Share)
}

/// The first frame of what a worker sends.
public enum FromWorker: Sendable, Equatable {
    case hello(Hello)
    case opened(Opened)
    /// Followed by the observations.
    case observations
    /// Followed by observations, rewards, terminated, truncated and the final observations.
    case stepped
    case failure(Failure)
    case shared

    /// The message's name in the contract.
    var name: String {
        switch self {
        case .hello: "Hello"
        case .opened: "Opened"
        case .observations: "Observations"
        case .stepped: "Stepped"
        case .failure: "Failure"
        case .shared: "Shared"
        }
    }
}
