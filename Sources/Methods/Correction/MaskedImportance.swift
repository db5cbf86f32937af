import Tensors

/// Masked importance sampling (B10, MIS): w = π_prox / μ where that ratio, of a step or of a sequence, lies in low … high, and 0 elsewhere.
/// The steps that are left out still count in the denominator of the loss's mean.
public struct MaskedImportance: Correction {
    public var level: ImportanceLevel
    public var low, high: Float
    /// A sequence with a step whose ratio is below this is left out as a whole; 0: none is.
    public var veto: Float
    /// Whether the weights are divided by their mean over the batch.
    public var selfNormalizes: Bool

    public init(level: ImportanceLevel = .step, low: Float = 0, high: Float = 2, veto: Float = 0, selfNormalizes: Bool = false) {
        precondition(low <= high, "weights from \(low) to \(high)")
        self.level = level
        self.low = low
        self.high = high
        self.veto = veto
        self.selfNormalizes = selfNormalizes
    }

    public func weights(_ logRatio: Tensor, _ sequences: Sequences) -> Tensor {
        let ratio = exp(level.logRatio(logRatio, sequences))
        let weights = ratio * (1 - masked(ratio, logRatio, sequences)).reshaped(ratio.shape)
        return selfNormalizes ? selfNormalized(weights) : weights
    }

    public func truncated(_ logRatio: Tensor, _ sequences: Sequences) -> Tensor? {
        masked(exp(level.logRatio(logRatio, sequences)), logRatio, sequences)
    }

    private func masked(_ ratio: Tensor, _ logRatio: Tensor, _ sequences: Sequences) -> Tensor {
        outside(ratio, low, high, or: veto > 0 ? unvetoed(logRatio, sequences, below: veto) : nil)
    }
}
