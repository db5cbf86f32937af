import Tensors

/// A method's surrogate loss.
public protocol Objective: Sendable {
    /// Whether it looks at whole sequences, so that steps must not be shuffled.
    var needsSequences: Bool { get }
    /// One value per step, to be minimised; the method weights and aggregates them.
    func loss(_ step: PolicyStep) -> Tensor
    /// 1 for each step whose ratio lies outside of the objective's limits, 0 for the others; nil: it has none.
    func clipped(_ step: PolicyStep) -> Tensor?
    /// What else is worth watching.
    func metrics(_ step: PolicyStep) -> [Metric]
}

extension Objective {
    public var needsSequences: Bool { false }
    public func clipped(_ step: PolicyStep) -> Tensor? { nil }
    public func metrics(_ step: PolicyStep) -> [Metric] { [] }
}
