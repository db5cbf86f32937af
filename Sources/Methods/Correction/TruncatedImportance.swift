import Tensors

/// Truncated importance sampling (B10, TIS): w = min(π_prox / μ, cap), the ratio of a step or of a sequence.
///
/// Both this and `MaskedImportance` can drop a sequence that holds a step with a ratio below `veto`, and can divide the weights by their mean.
public struct TruncatedImportance: Correction {
    public var level: ImportanceLevel
    public var cap: Float
    /// 0: no veto.
    public var veto: Float
    /// Whether the weights are divided by their mean over the batch.
    public var selfNormalizes: Bool

    public init(level: ImportanceLevel = .step, cap: Float = 2, veto: Float = 0, selfNormalizes: Bool = false) {
        self.level = level
        self.cap = cap
        self.veto = veto
        self.selfNormalizes = selfNormalizes
    }

    public func weights(_ logRatio: Tensor, _ sequences: Sequences) -> Tensor {
        var weights = clamp(exp(level.logRatio(logRatio, sequences)), 0, cap)
        if veto > 0 { weights = weights * unvetoed(logRatio, sequences, below: veto) }
        return selfNormalizes ? selfNormalized(weights) : weights
    }

    public func truncated(_ logRatio: Tensor, _ sequences: Sequences) -> Tensor? {
        let ratio = exp(level.logRatio(logRatio, sequences))
        let kept = veto > 0 ? unvetoed(logRatio, sequences, below: veto) : nil
        return outside(ratio, -.infinity, cap, or: kept)
    }
}

/// 1 for the steps of sequences whose ratios are all at least `limit`, 0 for the others.
func unvetoed(_ logRatio: Tensor, _ sequences: Sequences, below limit: Float) -> Tensor {
    let ratio = exp(clamp(logRatio, -20, 20))
    return sequences.broadcast(ratio) { $0.allSatisfy { $0 >= limit } ? 1 : 0 }
}

/// w / mean w; weights that are all 0 stay so.
func selfNormalized(_ weights: Tensor) -> Tensor {
    let mean = mean(weights).scalar
    return mean > 0 ? weights / mean : weights
}

/// 1 where a ratio lies outside of low … high or `kept` is 0, 0 elsewhere.
func outside(_ ratio: Tensor, _ low: Float, _ high: Float, or kept: Tensor? = nil) -> Tensor {
    let kept = kept?.values
    return ratio.withBuffer { ratio in
        Tensor([ratio.count]) { target in
            for k in ratio.indices { target[k] = ratio[k] < low || ratio[k] > high || kept?[k] == 0 ? 1 : 0 }
        }
    }
}
