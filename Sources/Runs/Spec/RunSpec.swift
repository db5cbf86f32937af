import Environments
import Networks

/// The description of a run: one YAML file, in which every key has a default.
///
/// Keys in YAML are the property names in snake_case; `RunSpec.documentation` has a line for each of them.
public struct RunSpec: Codable, Sendable, Equatable {
    public var name = "run"
    public var seed: UInt64 = 1
    public var environment = EnvironmentSection()
    public var reward = RewardSection()
    public var network = NetworkSection()
    public var tokens = TokensSection()
    public var method = MethodSection()
    public var replay = ReplaySection()
    public var optimizer = OptimizerSection()
    public var warmup = WarmupSection()
    public var actors = ActorsSection()
    public var learner = LearnerSection()
    public var stop = StopSection()
    public var metrics = MetricsSection()

    public init() {}
}

public struct EnvironmentSection: Codable, Sendable, Equatable {
    public var id = "CartPole-v1"
    /// The environment's own settings; the environment knows which there are and checks them.
    public var options: [String: Double] = [:]
    /// Where episodes are truncated; 0: the environment's own limit.
    public var maxEpisodeSteps = 0
    public init() {}

    enum CodingKeys: String, CodingKey {
        case id, options
        case maxEpisodeSteps = "max_episode_steps"
    }

    public var settings: EnvironmentSettings {
        EnvironmentSettings(id, options: options, maxEpisodeSteps: maxEpisodeSteps == 0 ? nil : maxEpisodeSteps)
    }
}

/// What is done to rewards before they are trained on, in this order. Returns are reported as the environment gave them.
public struct RewardSection: Codable, Sendable, Equatable {
    /// Divide by the running standard deviation of the discounted return.
    public var normalize = false
    public var scale = 1.0
    /// Limit to ±clip; infinite by default.
    public var clip = Double.infinity
    public init() {}
}

public struct NetworkSection: Codable, Sendable, Equatable {
    /// "auto": the method's own.
    public var id = "auto"
    public var encoder = EncoderKind.auto
    public var hidden = [64, 64]
    public var activation = ActivationChoice.auto
    public var layerNorm = false
    public var memory = MemoryKind.none
    public var memoryWidth = 256
    public var separateValue = false
    public var normalizeObservations = false
    public var continuousPolicy = ContinuousPolicy.gaussian
    public var initialLogDeviation = 0.0
    public init() {}

    enum CodingKeys: String, CodingKey {
        case id, encoder, hidden, activation, memory
        case layerNorm = "layer_norm"
        case memoryWidth = "memory_width"
        case separateValue = "separate_value"
        case normalizeObservations = "normalize_observations"
        case continuousPolicy = "continuous_policy"
        case initialLogDeviation = "initial_log_deviation"
    }

    public var settings: NetworkSettings {
        var settings = NetworkSettings(hidden: hidden)
        settings.id = id
        if let activation = activation.activation { settings.activation = activation }
        settings.encoder = encoder
        settings.layerNorm = layerNorm
        settings.memory = memory
        settings.memoryWidth = memoryWidth
        settings.separateValue = separateValue
        settings.normalizeObservations = normalizeObservations
        settings.continuousPolicy = continuousPolicy
        settings.initialLogDeviation = Float(initialLogDeviation)
        return settings
    }
}

extension OptimizerSection {
    public var settings: OptimizerSettings { OptimizerSettings(id, epsilon: Float(epsilon), clipNorm: Float(clipNorm)) }
}

extension OptimizerSettings.Kind: Choice {}
extension EncoderKind: Choice {}

/// What stands after each fully connected layer.
public enum ActivationChoice: String, Choice {
    /// What the network is usually built with.
    case auto
    case tanh, relu

    var activation: Activation? { Activation(rawValue: rawValue) }
}

extension MemoryKind: Choice {}
extension ContinuousPolicy: Choice {}

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
    /// Over these the step size rises to what it is.
    public var warmupUpdates = 0
    public var clipNorm = 40.0
    public var epsilon = 1e-8
    public init() {}

    public typealias Kind = OptimizerSettings.Kind
    public enum Schedule: String, Choice { case constant, linear }

    enum CodingKeys: String, CodingKey {
        case id, schedule, epsilon
        case learningRate = "learning_rate"
        case warmupUpdates = "warmup_updates"
        case clipNorm = "clip_norm"
    }

    /// The step size of an update.
    ///
    /// - Parameters:
    ///   - version: the updates before it.
    ///   - progress: how much of the run is done, 0 … 1.
    public func stepSize(version: UInt64, progress: Double) -> Float {
        let planned = (schedule == .linear ? LearningRateSchedule.linear(to: 0) : .constant).value(progress: progress, initial: Float(learningRate))
        return version < warmupUpdates ? planned * Float(version + 1) / Float(warmupUpdates) : planned
    }
}

public struct ActorsSection: Codable, Sendable, Equatable {
    public var count = 1
    public var slots = 32
    public var unroll = 20
    /// Nil: as many as it takes to keep everybody busy, see `RunSpec.creditsTogether`.
    public var credits: Int?
    public var maximum = 4096
    public init() {}

    /// Writes `credits` even where it is nil: the known keys are read off an encoded default.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(count, forKey: .count)
        try container.encode(slots, forKey: .slots)
        try container.encode(unroll, forKey: .unroll)
        try container.encode(credits, forKey: .credits)
        try container.encode(maximum, forKey: .maximum)
    }

    enum CodingKeys: String, CodingKey { case count, slots, unroll, credits, maximum }
}

public struct LearnerSection: Codable, Sendable, Equatable {
    public var rolloutsPerUpdate = 1
    public var maxLag = 32
    public var threads = 1
    public var checkpointSeconds = 60.0
    public var keepCheckpoints = 5
    public var onNonfinite = OnNonfinite.stop
    public var mismatchShare = 0.01
    public var onMismatch = OnMismatch.warn
    public init() {}

    /// What the learner does when it finds other log-probabilities than an actor told.
    public enum OnMismatch: String, Choice { case warn, stop }

    /// What the learner does when a loss, a gradient or an observation is not finite; the update is refused either way.
    public enum OnNonfinite: String, Choice { case stop, skip }

    enum CodingKeys: String, CodingKey {
        case threads
        case rolloutsPerUpdate = "rollouts_per_update"
        case maxLag = "max_lag"
        case checkpointSeconds = "checkpoint_seconds"
        case keepCheckpoints = "keep_checkpoints"
        case onNonfinite = "on_nonfinite"
        case mismatchShare = "mismatch_share"
        case onMismatch = "on_mismatch"
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
