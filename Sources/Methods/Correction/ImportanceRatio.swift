import Tensors

/// ρ = π(a | o) / μ(a | o) of every step, without a gradient: how much likelier the target policy is to act as the behaviour policy did.
/// The logarithm is limited to ±20, so that one impossible step cannot make a batch infinite.
public func importanceRatios(_ logProb: Tensor, behaviour behaviourLogProb: Tensor) -> Tensor {
    exp(clamp(logProb.detached - behaviourLogProb.detached, -20, 20))
}

/// What tells how far the target policy has moved from the behaviour policy.
func ratioMetrics(_ ratios: Tensor) -> [Metric] {
    let mean = mean(ratios).scalar
    return [
        ("rho_mean", mean),
        // 1 when all ratios are equal, 1/n when one of n counts alone (Kong, 1992).
        ("effective_sample_size", mean * mean / max(Tensors.mean(square(ratios)).scalar, .leastNormalMagnitude)),
    ]
}
