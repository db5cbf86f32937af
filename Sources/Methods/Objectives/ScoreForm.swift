import Tensors

/// −φ A per step, with the gradient −φ A ∇ log π: an objective that is given by its coefficient φ, a constant, instead of by a ratio.
func scoreForm(_ coefficient: Tensor, _ step: PolicyStep) -> Tensor {
    // 1, with the gradient of log π.
    let one = exp(step.logProb - step.logProb.detached)
    return -(coefficient * step.advantage * one)
}
