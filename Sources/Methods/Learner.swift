import Networks
import Rollouts
import Tensors

/// A named number of one update.
public typealias Metric = (name: String, value: Float)

/// What learns: weights and whatever else an algorithm carries from update to update. It knows nothing of sockets, files or clocks, and its
/// random numbers are addressed by version and step, so that the same batches in the same order make the same weights.
public protocol Learner: AnyObject {
    /// The target policy's: what is evaluated and saved.
    var weights: Weights { get }
    /// The behaviour policy's: what actors act with. The target policy's, unless the method acts with another one.
    var behaviour: Weights { get }

    /// Trains on one batch, in one gradient step or several.
    ///
    /// - Throws: `NonFiniteGradient`; then nothing has changed.
    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport

    /// What it needs besides `weights` to go on after a restart.
    var state: [Column] { get }
    func restore(_ state: [Column]) throws
}

extension Learner {
    public var behaviour: Weights { weights }
}

/// When a batch is trained on.
public struct Moment: Sendable, Hashable {
    /// The policy version before the update.
    public var version: UInt64
    /// Which batch of this update it is, from 0: replay gives several.
    public var batch: Int
    public var learningRate: Float
    /// How much of the run is done, 0 … 1.
    public var progress: Double

    public init(version: UInt64 = 0, batch: Int = 0, learningRate: Float, progress: Double = 0) {
        self.version = version
        self.batch = batch
        self.learningRate = learningRate
        self.progress = progress
    }
}

/// What training on one batch did.
public struct LearnerReport {
    public var loss: Float
    /// Before it was clipped; the mean over the gradient steps.
    public var gradientNorm: Float
    public var metrics: [Metric]
    /// Of each slot of a replayed batch, how much there is to learn from it; empty where the algorithm does not say.
    public var priorities: [Float]

    public init(loss: Float, gradientNorm: Float, metrics: [Metric], priorities: [Float] = []) {
        self.loss = loss
        self.gradientNorm = gradientNorm
        self.metrics = metrics
        self.priorities = priorities
    }
}
