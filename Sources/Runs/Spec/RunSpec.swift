/// The description of a run: one YAML file, in which every key has a default.
///
/// Keys in YAML are the property names in snake_case; `RunSpec.documentation` has a line for each of them.
public struct RunSpec: Codable, Sendable, Equatable {
    public var name = "run"
    public var seed: UInt64 = 1
    public var environment = EnvironmentSection()
    public var network = NetworkSection()
    public var method = MethodSection()
    public var optimizer = OptimizerSection()
    public var actors = ActorsSection()
    public var learner = LearnerSection()
    public var stop = StopSection()
    public var metrics = MetricsSection()

    public init() {}
}

public struct EnvironmentSection: Codable, Sendable, Equatable {
    public var id = "CartPole-v1"
    public init() {}
}

public struct NetworkSection: Codable, Sendable, Equatable {
    public var hidden = [64, 64]
    public var activation = Activation.tanh
    public init() {}

    public enum Activation: String, Choice { case tanh, relu }
}

public struct MethodSection: Codable, Sendable, Equatable {
    public var id = "vtrace"
    /// The method's own settings; the catalogue of methods knows which there are and checks them.
    public var options: [String: Double] = [:]
    public init() {}
}

public struct OptimizerSection: Codable, Sendable, Equatable {
    public var id = Kind.adam
    public var learningRate = 1e-3
    public var schedule = Schedule.constant
    public var clipNorm = 40.0
    public var epsilon = 1e-8
    public init() {}

    public enum Kind: String, Choice { case adam, rmsprop }
    public enum Schedule: String, Choice { case constant, linear }

    enum CodingKeys: String, CodingKey {
        case id, schedule, epsilon
        case learningRate = "learning_rate"
        case clipNorm = "clip_norm"
    }
}

public struct ActorsSection: Codable, Sendable, Equatable {
    public var count = 1
    public var slots = 32
    public var unroll = 20
    public var credits = 2
    public init() {}
}

public struct LearnerSection: Codable, Sendable, Equatable {
    public var rolloutsPerUpdate = 1
    public var maxLag = 32
    public var threads = 1
    public var checkpointSeconds = 60.0
    public var keepCheckpoints = 5
    public var onNonfinite = OnNonfinite.stop
    public init() {}

    /// What the learner does when a loss, a gradient or an observation is not finite; the update is refused either way.
    public enum OnNonfinite: String, Choice { case stop, skip }

    enum CodingKeys: String, CodingKey {
        case threads
        case rolloutsPerUpdate = "rollouts_per_update"
        case maxLag = "max_lag"
        case checkpointSeconds = "checkpoint_seconds"
        case keepCheckpoints = "keep_checkpoints"
        case onNonfinite = "on_nonfinite"
    }
}

/// When a run ends: at the first of these that comes true.
public struct StopSection: Codable, Sendable, Equatable {
    public var frames = 10_000_000
    /// The mean return at which the task counts as solved; nil: the run does not end by its return.
    public var `return`: Double?
    public var episodes = 100
    public var evaluationEpisodes = 20
    /// Infinite by default.
    public var seconds = Double.infinity
    public init() {}

    enum CodingKeys: String, CodingKey {
        case frames, `return`, episodes, seconds
        case evaluationEpisodes = "evaluation_episodes"
    }

    /// Writes `return` even where it is nil: the known keys are read off an encoded default.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(frames, forKey: .frames)
        try container.encode(`return`, forKey: .return)
        try container.encode(episodes, forKey: .episodes)
        try container.encode(evaluationEpisodes, forKey: .evaluationEpisodes)
        try container.encode(seconds, forKey: .seconds)
    }
}

public struct MetricsSection: Codable, Sendable, Equatable {
    public var everySeconds = 1.0
    public init() {}

    enum CodingKeys: String, CodingKey { case everySeconds = "every_seconds" }
}

/// A setting with a few named values; a refused one is answered with all of them.
public protocol Choice: RawRepresentable<String>, CaseIterable, Codable, Sendable, Equatable {}

extension Choice {
    /// The names, as they are shown to people: "tanh or relu".
    public static var names: String { allCases.map(\.rawValue).joined(separator: " or ") }

    public init(from decoder: any Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        guard let value = Self(rawValue: name) else {
            throw DecodingError.typeMismatch(Self.self, .init(codingPath: decoder.codingPath, debugDescription: Self.names))
        }
        self = value
    }
}
