import Tensors

/// A method's surrogate loss.
public protocol Objective: Sendable {
    /// Whether it looks at whole sequences, so that steps must not be shuffled.
    var needsSequences: Bool { get }
    /// One value per step, to be minimised; the method weights and aggregates them.
    func loss(_ step: PolicyStep) -> Tensor
    /// What is worth watching.
    func metrics(_ step: PolicyStep) -> [Metric]
}

extension Objective {
    public var needsSequences: Bool { false }
    public func metrics(_ step: PolicyStep) -> [Metric] { [] }
}
