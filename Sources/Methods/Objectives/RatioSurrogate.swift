import Tensors

/// The surrogate of trust-region methods (Kakade & Langford, 2002; Schulman et al., 2015), per step: −r A with r = π / π_prox. A and π_prox are
/// constants. Its gradient at π = π_prox is the policy gradient; nothing keeps π near π_prox.
public struct RatioSurrogate: Objective {
    public init() {}
    public func loss(_ step: PolicyStep) -> Tensor { -(step.ratio * step.advantage) }
}
