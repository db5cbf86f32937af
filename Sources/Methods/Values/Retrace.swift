import Rollouts
import Tensors

/// Retrace (Munos et al., 2016) of one slot, backward over its steps:
///
///     Q̂_t = r_t + γ (1 − terminated_t) X_{t+1},   X_t = λ min(1, ρ_t) (Q̂_t − Q(o_t, a_t)) + V(o_t)
///
/// with V(o) = Σ π Q and ρ = π / μ of the action taken. X behind the last step, and behind a truncated one, is V of what followed it in its
/// own episode. Where π = μ and λ = 1 and Q(o_t, a_t) = V(o_t), Q̂ is the n-step return to the end of the rollout.
///
/// - Parameters: each [T, N], time-major; `values` of the actions taken; `nextStateValues` as in `CreditSequence.nextValues`.
/// - Returns: Q̂, [T, N].
package func retrace(
    _ batch: RolloutBatch, discount: Float, lambda: Float, ratios: Tensor, values: Tensor, stateValues: Tensor, nextStateValues: Tensor
) -> Tensor {
    let slots = batch.slots
    return Tensor([batch.steps, slots]) { target in
        batch.reward.withBuffer { reward in
            ratios.withBuffer { ratio in
                values.withBuffer { q in
                    stateValues.withBuffer { v in
                        nextStateValues.withBuffer { next in
                            for slot in 0..<slots {
                                for t in (0..<batch.steps).reversed() {
                                    let index = t * slots + slot
                                    let following: Float
                                    if batch.terminated[index] != 0 {
                                        following = 0
                                    } else if batch.truncated[index] != 0 || t == batch.steps - 1 {
                                        following = next[index]
                                    } else {
                                        let after = index + slots
                                        following = lambda * min(1, ratio[after]) * (target[after] - q[after]) + v[after]
                                    }
                                    target[index] = reward[index] + discount * following
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
