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
        return dualClipped(clipped, step.advantage, dualClip)
    }

    public func clipped(_ step: PolicyStep) -> Tensor? { outside(step.detachedRatio, 1 - epsilonLow, 1 + epsilonHigh) }
}

/// A loss that is limited to −c A where A < 0, without gradient beyond; untouched where A ≥ 0.
func dualClipped(_ loss: Tensor, _ advantage: Tensor, _ limit: Float) -> Tensor {
    guard limit.isFinite else { return loss }
    // Where nothing is limited stands infinity and not the loss itself: of equal values, each would get half of the gradient.
    let bound = advantage.withBuffer { advantage in
        Tensor(loss.shape) { for k in $0.indices { $0[k] = advantage[k] < 0 ? -limit * advantage[k] : .infinity } }
    }
    return minimum(loss, bound)
}
