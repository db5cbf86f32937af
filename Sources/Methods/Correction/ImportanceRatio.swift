import Tensors

/// ρ = π(a | o) / μ(a | o) of every step, without a gradient: how much likelier the target policy is to act as the behaviour policy did.
/// The logarithm is limited to ±20, so that one impossible step cannot make a batch infinite.
public func importanceRatios(_ logProb: Tensor, behaviour behaviourLogProb: Tensor) -> Tensor {
    exp(clamp(logProb.detached - behaviourLogProb.detached, -20, 20))
}

/// The share of a batch that counts under these weights: 1 when all are equal, 1/n when one of n counts alone (Kong, 1992); 0 where all
/// are 0.
func effectiveSampleSize(_ weights: Tensor) -> Float {
    let mean = mean(weights).scalar
    return mean * mean / max(Tensors.mean(square(weights)).scalar, .leastNormalMagnitude)
}

/// What tells how far the target policy has moved from the behaviour policy.
func ratioMetrics(_ ratios: Tensor) -> [Metric] {
    [("rho_mean", mean(ratios).scalar), ("effective_sample_size", effectiveSampleSize(ratios))]
}
