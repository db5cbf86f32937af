import Rollouts
import Tensors

/// The steps of a batch as transitions (o, a, r, o′): one row for each step, whatever sequence it stands in.
struct Transitions {
    let observation, next: Observations
    /// [rows]
    let reward: Tensor
    /// [rows]: γ, or 0 where the task ended with the step.
    let discount: Tensor
    /// [rows]: by how much each counts; nil where all count the same.
    let weight: Tensor?

    init(_ batch: RolloutBatch, discount gamma: Float) {
        let (rows, slots) = (batch.frames, batch.slots)
        observation = batch.observation.rows(0..<rows)
        // o′ stands one step further. Behind a truncation stands another episode: what followed is the episode's own final observation.
        let following = batch.observation.rows(slots..<rows + slots)
        let cut = batch.finalIndex.indices.filter { batch.truncated[Int(batch.finalIndex[$0])] != 0 }
        next = cut.isEmpty ? following : following.replaced(cut.map { (Int(batch.finalIndex[$0]), $0) }, from: batch.finalObservation)
        reward = batch.reward.reshaped([rows])
        discount = Tensor([rows]) { for row in 0..<rows { $0[row] = batch.terminated[row] != 0 ? 0 : gamma } }
        weight = batch.weight.withBuffer { weights in
            weights.allSatisfy { $0 == 1 } ? nil : Tensor([rows]) { for row in 0..<rows { $0[row] = weights[row % slots] } }
        }
    }
}

extension DataPlan {
    /// Single transitions out of a large replay, a batch of 256 for every environment step.
    static var transitions: DataPlan {
        var plan = ReplayPlan()
        plan.sequences = 256
        plan.steps = 1
        plan.ratio = 256
        plan.minimumSteps = 5000
        return .replayed(plan)
    }
}

extension Observations {
    /// A copy in which some rows are those of others.
    fileprivate func replaced(_ rows: [(row: Int, source: Int)], from other: Observations) -> Observations {
        let width = space.byteCount
        return withBytes { own in
            other.withBytes { other in
                Observations(count: count, space) { target in
                    target.copyMemory(from: own.baseAddress!, byteCount: own.count)
                    for (row, source) in rows {
                        (target + row * width).copyMemory(from: other.baseAddress! + source * width, byteCount: width)
                    }
                }
            }
        }
    }
}
