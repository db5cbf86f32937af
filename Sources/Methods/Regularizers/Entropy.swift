import Tensors

/// Rewards a policy for staying undecided (Williams & Peng, 1991): −H(π(· | o)) per step.
public struct Entropy: Regularizer {
    public var coefficient: Float
    public init(_ coefficient: Float) { self.coefficient = coefficient }
    public func loss(_ step: PolicyStep) -> Tensor { -step.entropy }
    public func metric(_ mean: Float) -> Metric { ("entropy", -mean) }
}
