import Networks
import Rollouts

/// A method for token policies, composed of its parts: what actors do for a task, the stages that a batch goes through, and the terms of
/// the loss.
///
/// In this order: shaping, credit, selection and correction are stages; objective and regularizers are terms.
public struct TokenMethod: Algorithm {
    /// lo of the ratio π / π_prox.
    public enum Proximal: Sendable, Hashable {
        /// What the actors told.
        case behaviour
        /// Computed by the learner with the weights at the start of the update (decoupled, B09).
        case start
    }

    public let name: String
    public let staleness: Staleness
    public var plan: GroupPlan
    public var stages: [any TokenStage]
    public var terms: [any TokenTerm]
    public var aggregate: TokenAggregation
    public var proximal: Proximal
    /// Passes over a batch, and gradient steps per pass: whole groups are dealt out.
    public var epochs = 1
    public var minibatches = 1
    /// Every update begins with a new optimiser (Kimi k1.5).
    public var resetsOptimizer = false
    /// The network has a value of every position.
    public var hasValue = false
    /// A group's prompt is computed once, not once per response (S038): the same numbers up to rounding.
    public var sharesPrompts = true
    /// How much more often than others a task is drawn, from what is known of it; nil: all alike.
    public var taskWeight: (@Sendable (_ task: UInt32, _ records: TaskRecords) -> Float)?
    /// γ; responses are undiscounted unless a method says so.
    public var discount: Float = 1

    public init(
        _ name: String, staleness: Staleness = .onPolicy(maxLag: 8), plan: GroupPlan = GroupPlan(), stages: [any TokenStage],
        terms: [any TokenTerm], aggregate: TokenAggregation, proximal: Proximal = .behaviour, epochs: Int = 1, minibatches: Int = 1
    ) {
        self.name = name
        self.staleness = staleness
        self.plan = plan
        self.stages = stages
        self.terms = terms
        self.aggregate = aggregate
        self.proximal = proximal
        self.epochs = epochs
        self.minibatches = minibatches
    }

    public var networkID: String { "transformer" }

    /// What the learner must compute before the stages.
    public var needs: TokenNeeds {
        var needs = stages.reduce(into: terms.reduce(into: TokenNeeds()) { $0.formUnion($1.needs) }) { $0.formUnion($1.needs) }
        if proximal == .start { needs.insert(.start) }
        if hasValue { needs.insert(.values) }
        return needs
    }

    /// Stages, in order, on a batch whose needs are computed.
    public func prepare(_ work: inout TokenWork) {
        for stage in stages { stage.apply(&work) }
    }

    public func learner(_ setting: LearnerSetting) throws -> any Learner {
        throw MethodError(
            problem: "\(name) trains token policies, and the environment gives observations", place: "method.id",
            remedy: "Choose a token environment such as addition (apus environments), or another method.")
    }
}
