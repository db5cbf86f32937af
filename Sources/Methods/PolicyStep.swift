import Tensors

/// Everything an objective may look at, for every step of a batch; each tensor is [T, N].
public struct PolicyStep {
    /// log π(a | o), with gradient.
    public let logProb: Tensor
    /// The entropy of π(· | o) in nats, with gradient.
    public let entropy: Tensor
    /// V(o), with gradient.
    public let value: Tensor

    /// A constant.
    public let advantage: Tensor
    /// What V(o) should be; a constant.
    public let valueTarget: Tensor
    /// log μ(a | o); a constant.
    public let behaviourLogProb: Tensor
}
