import Tensors

/// The policy gradient (Williams, 1992; Sutton et al., 2000): −A log π(a | o) per step.
///
/// Weights against the age of the data belong into A (V-trace puts them there).
public struct PolicyGradient: Objective {
    public init() {}
    public func loss(_ step: PolicyStep) -> Tensor { -(step.advantage * step.logProb) }
}
