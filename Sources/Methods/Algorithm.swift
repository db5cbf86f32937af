import Networks
import Rollouts
import Tensors

/// A named number of one update.
public typealias Metric = (name: String, value: Float)

/// How old the data of a method may be.
public enum Staleness: Sendable, Hashable {
    /// Class A: data of any age, from any policy.
    case any
    /// Class B: anchored to the snapshot at the start of a round; data of that round.
    case anchored
    /// Class C: an expectation under the current policy, corrected for data of at most `maxLag` updates.
    case onPolicy(maxLag: Int)
}

/// What a learner runs: a batch becomes a loss.
public protocol Algorithm: Sendable {
    var staleness: Staleness { get }
    /// γ: with which the learner also discounts the returns that scale rewards.
    var discount: Float { get }

    /// The loss of a batch, one value recorded on the tape of `parameters`, and what is worth watching.
    /// - Parameters:
    ///   - parameters: tracked by a tape.
    ///   - constants: the same weights, not tracked, for everything that is a constant of the gradient.
    func loss(
        _ batch: RolloutBatch, network: any PolicyNetwork, parameters: Parameters, constants: Parameters
    ) -> (loss: Tensor, metrics: [Metric])
}
