import Tensors

/// A method's surrogate loss.
public protocol Objective: Sendable {
    /// [T, N], to be minimised; the method's rule aggregates it.
    func loss(_ step: PolicyStep) -> Tensor
}
