import Platform
import Tensors

/// A policy and a value function: what actors act with and learners train.
///
/// It is a description without values: the same network runs with the parameters of any snapshot. `ActorCritic` is Apus' own; others come
/// into a run through a `NetworkCatalogue`.
public protocol PolicyNetwork: Sendable {
    var observationSpace: Space { get }
    var actionSpace: Space { get }
    /// How actions are drawn from what the network says.
    var distribution: ActionDistribution { get }
    /// Every parameter by name and shape.
    var layout: ParameterLayout { get }
    /// S: the numbers that a slot carries from step to step; 0 without memory.
    var stateCount: Int { get }
    /// Whether the weights hold statistics of the observations, which the learner counts (see `Weights.setNormalizer`).
    var normalizesObservations: Bool { get }
    /// Whether it tells the value of every action (`PolicyOutput.actionValues`).
    var valuesActions: Bool { get }

    /// The same seed gives the same weights.
    func initialWeights(seed: UInt64) -> Weights

    /// Rows of observations → policy and value.
    /// - Parameter unroll: for a network with memory, where the rows stand in time; otherwise nil.
    func callAsFunction(_ observation: Observations, _ parameters: Parameters, unroll: Unroll?) -> PolicyOutput
}

extension PolicyNetwork {
    public var stateCount: Int { 0 }
    public var normalizesObservations: Bool { false }
    public var valuesActions: Bool { false }
}

/// A network that a run may name (`network.id`).
public struct NetworkEntry: Sendable {
    public let id: String
    /// One line.
    public let summary: String
    /// What stands after each fully connected layer unless the run says otherwise.
    public let activation: Activation
    private let build: @Sendable (Space, Space, NetworkSettings) throws -> any PolicyNetwork

    /// - Parameter make: builds the network for an observation and an action space; throws an error with a remedy when they do not fit.
    public init(
        id: String, summary: String, activation: Activation = .tanh,
        make: @escaping @Sendable (_ observation: Space, _ action: Space, _ settings: NetworkSettings) throws -> any PolicyNetwork
    ) {
        self.id = id
        self.summary = summary
        self.activation = activation
        build = make
    }

    func make(_ observation: Space, _ action: Space, _ settings: NetworkSettings) throws -> any PolicyNetwork {
        try build(observation, action, settings)
    }
}

/// The networks that a run may name.
public struct NetworkCatalogue: Sendable {
    /// What Apus brings.
    public static let standard = NetworkCatalogue([
        NetworkEntry(id: "actor_critic", summary: "policy and value on one torso, built from the settings under network") {
            try ActorCritic(observation: $0, action: $1, $2)
        },
        NetworkEntry(id: "actor_q", summary: "policy and values of discrete actions on one torso, built from the settings under network") {
            try ActorCritic(observation: $0, action: $1, $2, valuesActions: true)
        },
        NetworkEntry(
            id: "squashed_gaussian", summary: "a policy for bounded actions whose σ depends on the observation; no value", activation: .relu
        ) {
            try SquashedGaussianPolicy(observation: $0, action: $1, $2)
        },
        NetworkEntry(
            id: "deterministic", summary: "one bounded action for each observation, explored around with noise; no value", activation: .relu
        ) {
            try DeterministicPolicy(observation: $0, action: $1, $2)
        },
        NetworkEntry(id: "q_network", summary: "values of discrete actions in two streams (dueling), built from the settings under network") {
            try QNetwork(observation: $0, action: $1, $2)
        },
    ])
    /// What this program knows: see `Program`.
    @TaskLocal public static var current = standard

    public let entries: [NetworkEntry]

    public init(_ entries: [NetworkEntry]) { self.entries = entries }

    public func adding(_ entries: [NetworkEntry]) -> NetworkCatalogue { NetworkCatalogue(self.entries + entries) }

    /// What stands after the layers of a network unless the run says otherwise.
    public func activation(of id: String) -> Activation { entries.first { $0.id == id }?.activation ?? .tanh }

    /// The network that the settings ask for.
    public func make(observation: Space, action: Space, _ settings: NetworkSettings) throws -> any PolicyNetwork {
        guard let entry = entries.first(where: { $0.id == settings.id }) else {
            let known = entries.map(\.id)
            throw NetworkError(
                problem: "unknown network \"\(settings.id)\"", place: "network.id",
                remedy: (nearest(to: settings.id, in: known).map { "Did you mean \"\($0)\"? " } ?? "")
                    + "Known: \(known.joined(separator: ", ")).")
        }
        return try entry.make(observation, action, settings)
    }
}
