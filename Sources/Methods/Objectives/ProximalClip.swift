import Tensors

/// Proximal clipping (Schulman et al., 2017, eq. 7; B02), per step: max(−r A, −clip(r, 1 − ε⁻, 1 + ε⁺) A) with r = π / π_prox. A and π_prox are
/// constants.
///
/// For A < 0 a dual clip c (Ye et al., 2020) limits the loss to −c A, without gradient beyond r = c.
public struct ProximalClip: Objective {
    public var epsilonLow: Float
    public var epsilonHigh: Float
    /// Infinite: no dual clip.
    public var dualClip: Float

    public init(epsilonLow: Float = 0.2, epsilonHigh: Float = 0.2, dualClip: Float = .infinity) {
        self.epsilonLow = epsilonLow
        self.epsilonHigh = epsilonHigh
        self.dualClip = dualClip
    }

    public func loss(_ step: PolicyStep) -> Tensor {
        let ratio = step.ratio
        let clipped = maximum(-(ratio * step.advantage), -(clamp(ratio, 1 - epsilonLow, 1 + epsilonHigh) * step.advantage))
        guard dualClip.isFinite else { return clipped }
        // −c A is above every clipped loss where A ≥ 0.
        return minimum(clipped, maximum(-dualClip * step.advantage, clamp(clipped.detached, -.infinity, 0)))
    }

    public func metrics(_ step: PolicyStep) -> [Metric] { [("clip_fraction", share(step.ratio, outside: 1 - epsilonLow, 1 + epsilonHigh))] }
}
