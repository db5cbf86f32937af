/// How the losses of tokens become one number. Part of a method, with denominators over the whole gradient step, whatever is padded or
/// computed in parts.
public enum TokenAggregation: Sendable, Hashable {
    /// Σ m·l / Σ m (DAPO, CISPO)
    case tokenMean
    /// mean over sequences of Σ m·l / |o| (GRPO, GSPO)
    case sequenceMeanTokenMean
    /// mean over sequences of Σ m·l (REINFORCE)
    case sequenceMeanTokenSum
    /// Σ m·l / (sequences · L) (Dr. GRPO)
    case constantLength(Float)
    /// mean over groups of Σ m·l / Σ m inside of the group
    case groupTokenMean
    /// Σ over sequences of Σ m·l / |o| (DCPO)
    case onlyTokenMean
    /// Σ m·l: the term has divided by what it must already.
    case sum

    /// What multiplies the loss of each token, [n]. Sequences without a token that counts are no sequences.
    public func scales(_ step: TokenStep) -> [Float] {
        var scales = step.mask
        let counting = step.sequences.filter { $0.length > 0 }
        let sequences = Float(max(counting.count, 1))
        switch self {
        case .sum: return scales
        case .tokenMean:
            let total = max(counting.reduce(0) { $0 + $1.length }, 1)
            for token in scales.indices { scales[token] /= total }
        case .sequenceMeanTokenMean:
            for sequence in counting { for token in sequence.span { scales[token] /= sequence.length * sequences } }
        case .sequenceMeanTokenSum:
            for token in scales.indices { scales[token] /= sequences }
        case .constantLength(let length):
            for token in scales.indices { scales[token] /= sequences * length }
        case .groupTokenMean:
            let groups = step.groups.filter { $0.contains { $0.length > 0 } }
            for group in groups {
                let total = group.reduce(0) { $0 + $1.length } * Float(groups.count)
                for sequence in group { for token in sequence.span { scales[token] /= total } }
            }
        case .onlyTokenMean:
            for sequence in counting { for token in sequence.span { scales[token] /= sequence.length } }
        }
        return scales
    }
}
