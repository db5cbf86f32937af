import Tensors

/// Fits the value function: ½ (target − V(o))² per step.
///
/// With a clip c, the larger of that and the same for V_old + clip(V − V_old, ±c): V gets no gradient for moving further than c in one update
/// (B02).
public struct ValueError: Regularizer {
    public var coefficient: Float
    /// Infinite: no clipping.
    public var clip: Float

    public init(_ coefficient: Float, clip: Float = .infinity) {
        self.coefficient = coefficient
        self.clip = clip
    }

    public func loss(_ step: PolicyStep) -> Tensor {
        let error = square(step.valueTarget - step.value)
        guard clip.isFinite else { return 0.5 * error }
        let near = step.oldValue + clamp(step.value - step.oldValue, -clip, clip)
        return 0.5 * maximum(error, square(step.valueTarget - near))
    }

    public func metric(_ mean: Float) -> Metric { ("value_loss", mean) }
}
