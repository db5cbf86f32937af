import Tensors

/// Weights against the age of the data, which multiply an objective. Constants for the gradient; the mean of a loss is taken over all steps,
/// whatever their weight.
public protocol Correction: Sendable {
    /// One weight per step, shaped as `logRatio`.
    /// - Parameters:
    ///   - logRatio: log π_prox − log μ of the action taken.
    ///   - sequences: where the sequences are in it.
    func weights(_ logRatio: Tensor, _ sequences: Sequences) -> Tensor

    /// What is worth watching.
    func metrics(_ logRatio: Tensor, _ weights: Tensor) -> [Metric]
}

extension Correction {
    public func metrics(_ logRatio: Tensor, _ weights: Tensor) -> [Metric] {
        [("correction_weight_mean", mean(weights).scalar)]
    }
}
