import Tensors

/// Gradient-preserving clipping (Su et al., 2025, Klear-Reasoner; S073), per step. Its value is that of `ProximalClip`, but a clipped step keeps
/// the gradient of its limit instead of none: −φ A ∇ log π with
///
///     φ = min(r, 1 + ε⁺) where A ≥ 0,   max(r, 1 − ε⁻) where A < 0   (0 beyond the dual clip, r > c)
///
/// A, π_prox and φ are constants. CISPO bounds the same weight whatever the advantage's sign.
public struct GradientPreservingClip: Objective {
    public var epsilonLow: Float
    public var epsilonHigh: Float
    /// Infinite: no dual clip.
    public var dualClip: Float

    public init(epsilonLow: Float = 0.2, epsilonHigh: Float = 0.28, dualClip: Float = 10) {
        self.epsilonLow = epsilonLow
        self.epsilonHigh = epsilonHigh
        self.dualClip = dualClip
    }

    public func loss(_ step: PolicyStep) -> Tensor {
        let ratio = step.detachedRatio
        let coefficient = ratio.withBuffer { ratio in
            step.advantage.withBuffer { advantage in
                Tensor(step.advantage.shape) {
                    for k in $0.indices { $0[k] = advantage[k] >= 0 ? min(ratio[k], 1 + epsilonHigh) : max(ratio[k], 1 - epsilonLow) }
                }
            }
        }
        return dualClipped(scoreForm(coefficient, step), step.advantage, dualClip)
    }

    public func clipped(_ step: PolicyStep) -> Tensor? { outside(step.detachedRatio, 1 - epsilonLow, 1 + epsilonHigh) }
}
