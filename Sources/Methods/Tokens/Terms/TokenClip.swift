/// Proximal clipping per token (B02, B04): l = max(−r·A, −clip(r, 1 − ε_lo, 1 + ε_hi)·A), and for A < 0 at most −c·A (dual clip; Ye et al., 2020).
///
/// The gradient: ∂l/∂lp = −r·A where the ratio is not clipped, 0 where it is.
public struct TokenClip: TokenTerm {
    public var low: Float
    public var high: Float
    /// c; infinite: no dual clip.
    public var dual: Float
    public let name = "policy_loss"

    public init(low: Float = 0.2, high: Float = 0.2, dual: Float = .infinity) {
        self.low = low
        self.high = high
        self.dual = dual
    }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        for token in 0..<step.count {
            let (ratio, advantage) = (step.ratio(token), step.advantage[token])
            let (low, high) = bounds(step, token)
            slope.loss[token] = max(-ratio * advantage, -min(max(ratio, low), high) * advantage)
            slope.logProb[token] = isClipped(ratio, advantage, low, high) ? 0 : -ratio * advantage
            if advantage < 0, slope.loss[token] > -dual * advantage { (slope.loss[token], slope.logProb[token]) = (-dual * advantage, 0) }
        }
        return slope
    }

    /// The limits of a token's ratio: the term's own, unless a stage has set others.
    private func bounds(_ step: TokenStep, _ token: Int) -> (low: Float, high: Float) {
        guard !step.work.lowerBound.isEmpty else { return (1 - low, 1 + high) }
        return (step.work.lowerBound[step.tokens[token]], step.work.upperBound[step.tokens[token]])
    }

    private func isClipped(_ ratio: Float, _ advantage: Float, _ low: Float, _ high: Float) -> Bool {
        advantage > 0 ? ratio > high : advantage < 0 ? ratio < low : true
    }

    public func metrics(_ step: TokenStep) -> [Metric] {
        var (clipped, count) = (Float(0), Float(0))
        for token in 0..<step.count where step.mask[token] > 0 {
            let (low, high) = bounds(step, token)
            let advantage = step.advantage[token]
            clipped += advantage != 0 && isClipped(step.ratio(token), advantage, low, high) ? 1 : 0
            count += 1
        }
        return [("clip_fraction", clipped / max(count, 1))]
    }
}
