import Tensors

/// Dynamic clipping (Yang et al., 2025, DCPO; S066), per step: the proximal clip with limits that are wider for actions of low probability.
/// What is bounded is |r − 1| π ≤ ε with π = r q, q = π_prox(a | o):
///
///     low = ½ + ½ √max(1 − 4 ε⁻/q, 0),   high = min(½ + ½ √(1 + 4 ε⁺/q), cap)
///
/// A, q and the limits are constants. Of a continuous policy, q is a density.
public struct DynamicClip: Objective {
    public var epsilonLow: Float
    public var epsilonHigh: Float
    /// The largest upper limit.
    public var cap: Float
    /// Infinite: no dual clip.
    public var dualClip: Float

    public init(epsilonLow: Float = 0.16, epsilonHigh: Float = 0.2, cap: Float = 10, dualClip: Float = 10) {
        self.epsilonLow = epsilonLow
        self.epsilonHigh = epsilonHigh
        self.cap = cap
        self.dualClip = dualClip
    }

    public func loss(_ step: PolicyStep) -> Tensor {
        let (ratio, (low, high)) = (step.ratio, limits(step))
        let clipped = maximum(-(ratio * step.advantage), -(minimum(maximum(ratio, low), high) * step.advantage))
        return dualClipped(clipped, step.advantage, dualClip)
    }

    /// The limits of a ratio to a policy that takes the action with probability q.
    public func limits(_ q: Float) -> (low: Float, high: Float) {
        (0.5 + 0.5 * max(1 - 4 * epsilonLow / q, 0).squareRoot(), min(0.5 + 0.5 * (1 + 4 * epsilonHigh / q).squareRoot(), cap))
    }

    private func limits(_ step: PolicyStep) -> (low: Tensor, high: Tensor) {
        // An action cannot have been impossible; e^-80 is far below any whose limits are not 0.5 and the cap.
        let limits = exp(clamp(step.proximalLogProb, -80, 80)).values.map { self.limits($0) }
        let shape = step.proximalLogProb.shape
        return (Tensor(limits.map(\.low), shape), Tensor(limits.map(\.high), shape))
    }

    public func clipped(_ step: PolicyStep) -> Tensor? {
        let (ratio, (low, high)) = (step.detachedRatio.values, limits(step))
        let (lows, highs) = (low.values, high.values)
        return Tensor(ratio.indices.map { ratio[$0] < lows[$0] || ratio[$0] > highs[$0] ? 1 : 0 }, [ratio.count])
    }
}
