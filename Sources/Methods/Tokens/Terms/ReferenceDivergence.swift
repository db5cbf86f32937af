import Tensors

/// β · KL(π ‖ π_ref), estimated per token with x = log π_ref − log π.
public struct ReferenceDivergence: TokenTerm {
    public enum Estimator: Sendable, Hashable {
        /// x² / 2: its gradient is that of the divergence (Schulman, 2020).
        case k2
        /// exp(x) − x − 1 ≥ 0, differentiated as it stands (GRPO).
        case k3
    }
    /// β after a share of the run, 0 … 1.
    public var coefficient: @Sendable (Double) -> Float
    public var estimator: Estimator
    public let name = "reference_kl"

    public init(_ coefficient: Float, _ estimator: Estimator = .k3) { self.init(estimator) { _ in coefficient } }
    public init(_ estimator: Estimator = .k3, coefficient: @escaping @Sendable (_ progress: Double) -> Float) {
        self.coefficient = coefficient
        self.estimator = estimator
    }

    public var needs: TokenNeeds { .reference }
    public var isWeighted: Bool { false }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        let beta = coefficient(step.work.moment.progress)
        for sequence in step.sequences {
            let beta = beta * step.work.divergenceWeight[sequence.response]
            for token in sequence.span {
                let x = min(max(step.reference[token] - step.logProb[token], -20), 20)
                switch estimator {
                case .k2: (slope.loss[token], slope.logProb[token]) = (beta * x * x / 2, -beta * x)
                case .k3:
                    let ratio = exponential(x)
                    (slope.loss[token], slope.logProb[token]) = (beta * (ratio - x - 1), beta * (1 - ratio))
                }
            }
        }
        return slope
    }
}
