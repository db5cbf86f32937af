import Rollouts
import Runs
import Tensors

/// What a learner does to rewards before it trains on them: divide by the running standard deviation of the discounted return (Engstrom et
/// al., 2020), scale, clip.
package struct RewardScaling {
    private let section: RewardSection
    private let discount: Float
    /// Of the discounted returns of all slots.
    package var moments = RunningMoments(width: 1)
    /// Where each slot's discounted return stands, by actor and its incarnation.
    private var returns: [Place: [Float]] = [:]

    private struct Place: Hashable {
        let actor, incarnation: UInt32
    }

    package init(_ section: RewardSection, discount: Float) {
        self.section = section
        self.discount = discount
    }

    /// Counts rewards that have just arrived.
    package mutating func count(_ batch: RolloutBatch) {
        if section.normalize { countReturns(batch) }
    }

    /// The rewards to train on, [T, N]: with the deviation as it is now, also of rewards that arrived long ago.
    package func callAsFunction(_ batch: RolloutBatch) -> Tensor {
        guard section != RewardSection() else { return batch.reward }
        let deviation = section.normalize ? (moments.variance(0) + 1e-8).squareRoot() : 1
        let factor = Float(section.scale / deviation)
        let clip = Float(section.clip)
        let scaled = batch.reward * factor
        return clip.isFinite ? clamp(scaled, -clip, clip) : scaled
    }

    private mutating func countReturns(_ batch: RolloutBatch) {
        let seen = Tensor([batch.frames, 1]) { seen in
            batch.reward.withBuffer { reward in
                for part in batch.parts {
                    let place = Place(actor: part.id.actor, incarnation: part.id.incarnation)
                    var returns = returns[place] ?? []
                    if returns.count != part.slots.count { returns = Array(repeating: 0, count: part.slots.count) }
                    for t in 0..<batch.steps {
                        for (slot, n) in part.slots.enumerated() {
                            let index = t * batch.slots + n
                            returns[slot] = discount * returns[slot] + reward[index]
                            seen[index] = returns[slot]
                            if batch.terminated[index] | batch.truncated[index] != 0 { returns[slot] = 0 }
                        }
                    }
                    self.returns[place] = returns
                }
            }
        }
        moments.add(seen)
    }
}
