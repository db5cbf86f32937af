import Platform
import Tensors

/// Which environment a run asks for, and how it is set.
public struct EnvironmentSettings: Sendable, Hashable {
    public var id: String
    public var options: [String: Double]
    /// Where episodes are truncated; nil: the environment's own limit.
    public var maxEpisodeSteps: Int?

    public init(_ id: String, options: [String: Double] = [:], maxEpisodeSteps: Int? = nil) {
        self.id = id
        self.options = options
        self.maxEpisodeSteps = maxEpisodeSteps
    }
}

/// An environment with its settings: its spaces, and how slots of it are made.
public struct ResolvedEnvironment: Sendable {
    public let id: String
    public let observationSpace: Space
    public let actionSpace: Space
    public let maxEpisodeSteps: Int?
    public let solvedReturn: Float?
    private let open: @Sendable (Int, RandomKey) throws -> any Slots

    public init(
        id: String, observationSpace: Space, actionSpace: Space, maxEpisodeSteps: Int?, solvedReturn: Float? = nil,
        open: @escaping @Sendable (_ slots: Int, _ key: RandomKey) throws -> any Slots
    ) {
        self.id = id
        self.observationSpace = observationSpace
        self.actionSpace = actionSpace
        self.maxEpisodeSteps = maxEpisodeSteps
        self.solvedReturn = solvedReturn
        self.open = open
    }

    /// `slots` instances that step together. Their randomness comes from `key` alone.
    public func make(slots: Int, key: RandomKey) throws -> any Slots {
        guard slots > 0 else { throw EnvironmentError(slots: slots, id: id) }
        return try open(slots, key)
    }
}

/// Environments that are found by asking somebody else, under names that begin with the family's: `gymnasium:ALE/Pong-v5`.
public protocol EnvironmentFamily: Sendable {
    /// What stands before the colon.
    var prefix: String { get }
    /// One line for the list of environments.
    var summary: String { get }
    /// - Parameters:
    ///   - name: what stands behind the colon.
    ///   - settings: the whole name, and what the run sets.
    func resolve(_ name: String, _ settings: EnvironmentSettings) throws -> ResolvedEnvironment
}

/// The environments that a run may name.
public struct EnvironmentCatalogue: Sendable {
    /// What steps inside this process.
    public static let native = EnvironmentCatalogue([
        CartPole.self, MountainCar.self, MountainCarContinuous.self, Pendulum.self, Acrobot.self,
        LunarLander.self, LunarLanderContinuous.self,
        HalfCheetah.self, Hopper.self, Walker2d.self, Ant.self, Swimmer.self, InvertedPendulum.self, Reacher.self,
        Asterix.self, Breakout.self, Freeway.self, Seaquest.self, SpaceInvaders.self,
        BlindCliffwalk.self, CueRecall.self,
    ])

    /// In the order in which they are listed.
    public let environments: [any Environment.Type]
    public let families: [any EnvironmentFamily]

    public init(_ environments: [any Environment.Type], families: [any EnvironmentFamily] = []) {
        self.environments = environments
        self.families = families
    }

    /// This catalogue and some environments more.
    public func adding(_ environments: [any Environment.Type]) -> EnvironmentCatalogue {
        EnvironmentCatalogue(self.environments + environments, families: families)
    }

    public var ids: [String] { environments.map { $0.id } }

    /// The environment of that name among those inside this process.
    public func environment(id: String) throws(EnvironmentError) -> any Environment.Type {
        guard let found = environments.first(where: { $0.id == id }) else {
            throw EnvironmentError(unknown: id, known: ids + TokenEnvironmentCatalogue.current.ids + families.map { "\($0.prefix):…" })
        }
        return found
    }

    /// The environment that a run asks for, with its settings checked.
    public func resolve(_ settings: EnvironmentSettings) throws -> ResolvedEnvironment {
        if let limit = settings.maxEpisodeSteps, limit < 1 { throw EnvironmentError(maxEpisodeSteps: limit) }
        if let colon = settings.id.firstIndex(of: ":"), let family = families.first(where: { $0.prefix == settings.id[..<colon] }) {
            return try family.resolve(String(settings.id[settings.id.index(after: colon)...]), settings)
        }
        func resolve<E: Environment>(_ environment: E.Type) throws(EnvironmentError) -> ResolvedEnvironment {
            let options = try EnvironmentOptions(settings.options, known: E.options, id: E.id)
            let limit = settings.maxEpisodeSteps ?? E.maxEpisodeSteps
            return ResolvedEnvironment(
                id: E.id, observationSpace: E.observationSpace, actionSpace: E.actionSpace, maxEpisodeSteps: limit,
                solvedReturn: E.solvedReturn
            ) { slots, key in
                try E.prepare()
                return VectorSlots<E>(count: slots, key: key, options: options, maxEpisodeSteps: limit)
            }
        }
        return try resolve(try environment(id: settings.id))
    }
}
