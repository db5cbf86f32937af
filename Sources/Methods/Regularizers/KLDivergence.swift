import Tensors

/// Keeps the policy near π_prox of the method's `Anchor` by the exact divergence of the two distributions at each observation.
public struct KLDivergence: Regularizer {
    public enum Direction: Sendable, Hashable {
        /// KL(π_prox ‖ π), the one that trust regions bound.
        case forward
        /// KL(π ‖ π_prox), the one of mirror descent.
        case reverse
    }

    public var direction: Direction
    public var coefficient: Float
    /// Whether the coefficient grows over the run, as 1 / (1 − progress): a step size that falls to 0 in a straight line. To 100 times what it
    /// was at most.
    public var isAnnealed: Bool

    public init(_ direction: Direction, _ coefficient: Float, isAnnealed: Bool = false) {
        self.direction = direction
        self.coefficient = coefficient
        self.isAnnealed = isAnnealed
    }

    public func loss(_ step: PolicyStep) -> Tensor {
        guard let distribution = step.distribution, let policy = step.policy, let proximal = step.proximalPolicy else {
            preconditionFailure("a divergence to π_prox needs an anchor other than the behaviour policy")
        }
        let divergence =
            direction == .forward ? distribution.klDivergence(proximal, policy) : distribution.klDivergence(policy, proximal)
        return divergence.reshaped(step.logProb.shape)
    }

    public func metric(_ mean: Float) -> Metric { (direction == .forward ? "kl_forward" : "kl_reverse", mean) }

    public func at(progress: Double) -> KLDivergence {
        isAnnealed ? KLDivergence(direction, coefficient / Float(max(1 - progress, 0.01))) : self
    }
}
