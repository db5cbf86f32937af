import Tensors

/// Fits the value function: ½ (target − V(o))² per step.
public struct ValueError: Regularizer {
    public var coefficient: Float
    public init(_ coefficient: Float) { self.coefficient = coefficient }
    public func loss(_ step: PolicyStep) -> Tensor { 0.5 * square(step.valueTarget - step.value) }
    public func metric(_ mean: Float) -> Metric { ("value_loss", mean) }
}
