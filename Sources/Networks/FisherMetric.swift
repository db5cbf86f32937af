import Tensors

/// A direction in the space of what a network says about a policy, or a linear form on it.
public struct OutputDirection {
    /// [rows, P]
    public let policy: Tensor
    /// As `PolicyOutput.logDeviation`.
    public let logDeviation: Tensor?

    public init(policy: Tensor, logDeviation: Tensor?) {
        self.policy = policy
        self.logDeviation = logDeviation
    }
}

extension ActionDistribution {
    /// M u / rows: the Fisher information of the distributions in the space of the network's outputs, times a direction u, averaged over
    /// the rows. The second derivative of `klDivergence`'s mean where both arguments are equal.
    ///
    /// Per row M is diag(p) − p pᵀ for logits; 1/σ² for a mean and 2 for a log σ.
    public func fisherProduct(_ output: PolicyOutput, _ direction: OutputDirection) -> OutputDirection {
        let rows = Float(output.policy.shape[0])
        switch self {
        case .categorical: return OutputDirection(policy: softmaxProduct(output.policy, direction.policy) / rows, logDeviation: nil)
        case .multiCategorical(let counts):
            var start = 0
            let parts = counts.map { count in
                defer { start += count }
                let columns = start..<start + count
                return softmaxProduct(output.policy.columns(columns), direction.policy.columns(columns))
            }
            return OutputDirection(policy: parts.dropFirst().reduce(parts[0], concatenate) / rows, logDeviation: nil)
        case .epsilonGreedy: preconditionFailure("values of actions are no distribution")
        case .gaussian, .tanhGaussian:
            // A log σ that all rows share is told by every one of them.
            let isShared = output.logDeviation?.shape != output.policy.shape
            return OutputDirection(
                policy: direction.policy * exp(-2 * output.detached.logDeviations) / rows,
                logDeviation: direction.logDeviation.map { $0 * (isShared ? 2 : 2 / rows) })
        }
    }
}

/// p ∘ u − p (p · u) per row, p = softmax(logits).
private func softmaxProduct(_ logits: Tensor, _ u: Tensor) -> Tensor {
    let (rows, columns) = (logits.shape[0], logits.shape[1])
    return exp(logSoftmax(logits.detached)).withBuffer { p in
        u.withBuffer { u in
            Tensor([rows, columns]) { product in
                for row in 0..<rows {
                    let range = row * columns..<(row + 1) * columns
                    let mean = range.reduce(Float(0)) { $0 + p[$1] * u[$1] }
                    for index in range { product[index] = p[index] * (u[index] - mean) }
                }
            }
        }
    }
}
