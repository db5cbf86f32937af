import Tensors

/// A term that is added to the objective with a coefficient.
public protocol Regularizer: Sendable {
    var coefficient: Float { get }
    /// [T, N], to be minimised, without the coefficient.
    func loss(_ step: PolicyStep) -> Tensor
    /// How the mean of `loss` over the batch is reported.
    func metric(_ mean: Float) -> Metric
    /// What it is after a share of the run, 0 … 1.
    func at(progress: Double) -> Self
}

extension Regularizer {
    public func at(progress: Double) -> Self { self }
}
