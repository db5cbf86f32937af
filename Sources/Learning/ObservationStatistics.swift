import Networks
import Rollouts
import Tensors

/// The running mean and variance of observations, and how they become part of the weights.
package struct ObservationStatistics {
    package var moments: RunningMoments

    package init(_ network: any PolicyNetwork) { moments = RunningMoments(width: network.observationSpace.count) }

    /// Counts what the batch's actors acted on.
    package mutating func add(_ batch: RolloutBatch) {
        moments.add(batch.observation.rows(0..<batch.frames).vectors)
    }

    /// Writes mean and 1 / standard deviation into the weights: from the next version on, everybody normalises with them.
    package func write(to weights: Weights) {
        weights.setNormalizer(
            mean: moments.mean.map { Float($0) },
            scale: moments.mean.indices.map { Float(1 / (moments.variance($0) + 1e-8).squareRoot()) })
    }
}
