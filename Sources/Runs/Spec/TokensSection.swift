import Environments
import Methods
import Networks
import Platform
import Rollouts

/// The transformer of a token policy, and how responses are drawn from it.
public struct TokensSection: Codable, Sendable, Equatable {
    public var layers = 2
    public var width = 64
    public var heads = 4
    /// 0: as many as heads.
    public var keyHeads = 0
    /// 0: four times the width.
    public var feedForwardWidth = 0
    /// 0: what the environment's longest prompt and response need.
    public var context = 0
    public var norm = TransformerSettings.Norm.rms
    public var feedForward = TransformerSettings.FeedForward.swiglu
    public var tied = false
    /// 0: the environment's.
    public var longestResponse = 0
    public var temperature = 1.0
    public var topP = 1.0
    public var groups = 8
    public var changes = SamplingSettings.Changes.goOn
    public var curriculum = Curriculum.none
    public var hints: [Double] = []
    public var replayedSuccesses = 0
    public var replayedLag = 100
    public var samples = 8
    public init() {}

    /// How tasks are drawn, by what is known of them.
    public enum Curriculum: String, Choice {
        /// All alike.
        case none
        /// Tasks by √(p (1 − p)) + 0.05 of their success rate (S101).
        case uncertain
        /// Tasks by 1 − p (S165).
        case hardest
        /// Levels from the easiest on: the next one when the last one is solved four times out of five.
        case ascending

        var tasks: SamplingSettings.Tasks {
            switch self {
            case .none: .uniform
            case .uncertain, .hardest: .tasks
            case .ascending: .levels
            }
        }
    }

    enum CodingKeys: String, CodingKey {
        case layers, width, heads, context, norm, tied, temperature, groups, changes, curriculum, hints, samples
        case keyHeads = "key_heads"
        case feedForwardWidth = "feed_forward_width"
        case feedForward = "feed_forward"
        case longestResponse = "longest_response"
        case topP = "top_p"
        case replayedSuccesses = "replayed_successes"
        case replayedLag = "replayed_lag"
    }
}

extension TransformerSettings.Norm: Choice {}
extension TransformerSettings.FeedForward: Choice {}
extension SamplingSettings.Changes: Choice {}

/// Supervised training on demonstrations before the first update, as a token policy that never succeeds has nothing to learn from.
public struct WarmupSection: Codable, Sendable, Equatable {
    public var updates = 0
    public var batch = 64
    public var learningRate = 1e-3
    public var accuracy = 1.0
    public init() {}

    enum CodingKeys: String, CodingKey {
        case updates, batch, accuracy
        case learningRate = "learning_rate"
    }
}

extension RunSpec {
    /// Whether the run trains a token policy.
    public var isTokenRun: Bool { TokenEnvironmentCatalogue.current.has(environment.id) }

    /// The method of a run that trains a token policy.
    public var tokenMethod: TokenMethod {
        get throws {
            let algorithm = try algorithm
            guard let method = algorithm as? TokenMethod else {
                throw MethodMismatch(method: self.method.id, environment: environment.id, trainsTokens: false)
            }
            return method
        }
    }

    /// The method of a run whose policy acts on observations.
    public var stepAlgorithm: any Algorithm {
        get throws {
            let algorithm = try algorithm
            guard !(algorithm is TokenMethod) else { throw MethodMismatch(method: method.id, environment: environment.id, trainsTokens: true) }
            return algorithm
        }
    }

    public var tokenEnvironment: any TokenEnvironment {
        get throws { try TokenEnvironmentCatalogue.current.resolve(environment.settings) }
    }

    /// The network of a run that trains a token policy.
    public var transformer: TransformerSettings {
        get throws {
            let environment = try tokenEnvironment
            var settings = TransformerSettings(
                vocabulary: environment.vocabulary.count, layers: tokens.layers, width: tokens.width, heads: tokens.heads,
                keyHeads: tokens.keyHeads == 0 ? nil : tokens.keyHeads,
                context: tokens.context == 0 ? environment.longestPrompt + (try sampling.longestResponse) : tokens.context)
            if tokens.feedForwardWidth > 0 { settings.feedForwardWidth = tokens.feedForwardWidth }
            settings.norm = tokens.norm
            settings.feedForward = tokens.feedForward
            settings.tiesEmbeddings = tokens.tied
            settings.hasValueHead = try tokenMethod.hasValue
            try settings.validate(section: "tokens")
            return settings
        }
    }

    /// How actors draw responses.
    public var sampling: SamplingSettings {
        get throws {
            let environment = try tokenEnvironment
            var sampling = SamplingSettings(
                longestResponse: tokens.longestResponse == 0 ? environment.longestResponse : tokens.longestResponse)
            sampling.groups = tokens.groups
            sampling.temperature = Float(tokens.temperature)
            sampling.topP = Float(tokens.topP)
            sampling.changes = tokens.changes
            sampling.tasks = tokens.curriculum.tasks
            let method = try tokenMethod
            if sampling.tasks == .uniform, method.taskWeight != nil || method.plan.storedAttempts > 0, environment.taskCount <= 65536 {
                sampling.tasks = .tasks
            }
            return sampling
        }
    }

    /// What actors are told of a token run; nil: it is another run.
    public var tokenAssignment: TokenAssignment? {
        get throws {
            guard isTokenRun else { return nil }
            let (sampling, environment) = (try sampling, try tokenEnvironment)
            let guidance =
                switch sampling.tasks {
                case .uniform: 0
                case .levels: environment.levels
                case .tasks: Int(environment.taskCount)
                }
            let plan = try groupPlan
            guard guidance <= 65536 else {
                throw RunSpecError.outOfRange(
                    key: "tokens.curriculum", value: tokens.curriculum.rawValue,
                    allowed: "none or ascending with \(environment.taskCount) tasks, or environment.options.tasks of at most 65536",
                    place: "the run's description")
            }
            return TokenAssignment(
                transformer: try transformer.numbers, sampling: sampling, plan: plan,
                guidance: guidance + (plan.adaptiveTemperature > 0 ? 3 : 0))
        }
    }
}

/// A method that does not train what the environment needs.
public struct MethodMismatch: Remediable, Hashable {
    let method: String
    let environment: String
    /// Whether the method is the one for token policies.
    let trainsTokens: Bool

    public var problem: String {
        trainsTokens
            ? "\(method) trains token policies, and \(environment) gives observations" : "\(method) does not train token policies, and \(environment) needs one"
    }
    public var place: String { "method.id" }
    public var remedy: String {
        trainsTokens
            ? "Choose a token environment such as addition (apus environments), or another method, for example vtrace."
            : "Choose a method of the kind \"token policy\" (apus methods), for example grpo."
    }
}
