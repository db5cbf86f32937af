import Tensors

/// How the losses of all steps become one number. Part of a method, not a detail: it sets the scale of the learning rate.
public enum Aggregation: String, Sendable {
    /// The mean over every step of the batch.
    case stepMean
    /// The sum over every step of the batch, as in the IMPALA paper.
    case stepSum

    public func callAsFunction(_ losses: Tensor) -> Tensor {
        switch self {
        case .stepMean: mean(losses)
        case .stepSum: sum(losses)
        }
    }
}
