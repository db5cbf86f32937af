import Tensors

/// Weights against the age of the data, which multiply an objective. Constants for the gradient; the mean of a loss is taken over all steps,
/// whatever their weight.
public protocol Correction: Sendable {
    /// One weight per step, shaped as `logRatio`.
    /// - Parameters:
    ///   - logRatio: log π_prox − log μ of the action taken.
    ///   - sequences: where the sequences are in it.
    func weights(_ logRatio: Tensor, _ sequences: Sequences) -> Tensor

    /// 1 for each step whose weight was limited or set to 0, 0 for the others; nil: that cannot happen.
    func truncated(_ logRatio: Tensor, _ sequences: Sequences) -> Tensor?

    /// What is worth watching.
    func metrics(_ logRatio: Tensor, _ weights: Tensor) -> [Metric]
}

extension Correction {
    public func truncated(_ logRatio: Tensor, _ sequences: Sequences) -> Tensor? { nil }

    /// The weights' mean and effective sample size, and how far π_prox is from μ: an estimate of KL(μ ‖ π_prox) (Schulman, 2020, k3).
    public func metrics(_ logRatio: Tensor, _ weights: Tensor) -> [Metric] {
        [
            ("correction_weight_mean", mean(weights).scalar),
            ("correction_effective_sample_size", effectiveSampleSize(weights)),
            ("correction_kl", mean(exp(logRatio) - logRatio).scalar - 1),
        ]
    }
}
