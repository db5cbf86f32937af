import Networks
import Rollouts
import Tensors

/// How old the data of a method may be.
public enum Staleness: Sendable, Hashable {
    /// Class A: data of any age, from any policy.
    case any
    /// Class B: anchored to the snapshot at the start of a round; data of that round.
    case anchored
    /// Class C: an expectation under the current policy, corrected for data of at most `maxLag` updates.
    case onPolicy(maxLag: Int)
}

/// A way to learn, as a description: what it is called, what data it takes, and how its learner is made.
public protocol Algorithm: Sendable {
    var staleness: Staleness { get }
    /// γ: with which the learner also discounts the returns that scale rewards.
    var discount: Float { get }
    /// The network that actors act with, unless the run names another.
    var networkID: String { get }
    /// How actors explore; the run fills in over how many slots.
    var exploration: Exploration { get }
    /// Whether it needs what the behaviour policy said of every action, not only the log-probability of the one taken
    /// (`RolloutBatch.behaviourPolicy`).
    var needsBehaviourPolicy: Bool { get }
    /// What its gradient steps are trained on, unless the run says otherwise.
    var data: DataPlan { get }

    /// Whether the first steps of a replayed sequence can be left to refresh the recurrent state alone.
    var usesBurnIn: Bool { get }
    /// Whether its learner tells how much there is to learn from a replayed sequence.
    var givesPriorities: Bool { get }

    /// A learner at the beginning of its training.
    ///
    /// - Throws: an error with a remedy when the network or the environment does not fit.
    func learner(_ setting: LearnerSetting) throws -> any Learner
}

extension Algorithm {
    public var networkID: String { "actor_critic" }
    public var exploration: Exploration { .policy }
    public var needsBehaviourPolicy: Bool { false }
    public var data: DataPlan { .live }
    public var usesBurnIn: Bool { false }
    public var givesPriorities: Bool { false }
}

/// What a learner is made from.
public struct LearnerSetting: Sendable {
    /// What actors act with.
    public let network: any PolicyNetwork
    public let optimizer: OptimizerSettings
    public let seed: UInt64

    public init(network: any PolicyNetwork, optimizer: OptimizerSettings = OptimizerSettings(), seed: UInt64 = 1) {
        self.network = network
        self.optimizer = optimizer
        self.seed = seed
    }
}
