import Tensors

/// Clipped importance-sampling policy optimisation (MiniMax, 2025, CISPO; B08), per step: −clip(r, low, high) A log π, where the clipped ratio
/// r = π / π_prox, A and π_prox are constants. No step loses its gradient; only its weight is bounded.
public struct ClippedImportance: Objective {
    public var low, high: Float

    public init(low: Float = 0, high: Float = 5) {
        precondition(low <= high, "weights from \(low) to \(high)")
        self.low = low
        self.high = high
    }

    public func loss(_ step: PolicyStep) -> Tensor { scoreForm(clamp(step.detachedRatio, low, high), step) }

    public func clipped(_ step: PolicyStep) -> Tensor? { outside(step.detachedRatio, low, high) }

    /// The steps that a benchmark blames for collapses: pushed down although they are already rarer.
    public func metrics(_ step: PolicyStep) -> [Metric] {
        let (ratio, advantage) = (step.detachedRatio.values, step.advantage.values)
        return [("rare_negative_share", Float(ratio.indices.count { ratio[$0] < 1 && advantage[$0] < 0 }) / Float(max(ratio.count, 1)))]
    }
}
