import Tensors

/// Over how much of a sequence a ratio π_prox / μ is taken.
public enum ImportanceLevel: Int, Sendable, CaseIterable {
    /// Each step's own ratio: little variance, and a bias against everything that an action leads to.
    case step
    /// The product over the sequence: unbiased before it is limited, with a variance that grows exponentially with the length.
    case sequence
    /// The geometric mean over the sequence: no importance weight, but a measure of distance that does not depend on the length.
    case sequenceMean

    public var needsSequences: Bool { self != .step }

    /// The logarithm of the ratio at this level for every step, limited to ±20.
    /// - Parameter logRatio: of the single steps.
    func logRatio(_ logRatio: Tensor, _ sequences: Sequences?) -> Tensor {
        guard needsSequences else { return clamp(logRatio, -20, 20) }
        guard let sequences else { preconditionFailure("ratios of sequences need to know where the sequences are") }
        return sequences.broadcast(logRatio) { steps in
            let sum = steps.reduce(0) { $0 + Double($1) }
            return Float(min(max(self == .sequence ? sum : sum / Double(steps.count), -20), 20))
        }
    }
}
