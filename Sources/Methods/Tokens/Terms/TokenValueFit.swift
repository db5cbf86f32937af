/// c · ½ (V − target)² over the tokens of `TokenWork.valueMask`, a mean over them; the value is kept within ± `clip` of the one at the start
/// of the update (B02).
public struct TokenValueFit: TokenTerm {
    public var coefficient: Float
    public var clip: Float
    public let name = "value_loss"

    public init(_ coefficient: Float = 0.5, clip: Float = 0.2) {
        self.coefficient = coefficient
        self.clip = clip
    }

    public var needs: TokenNeeds { .values }
    public var isWeighted: Bool { false }
    public func scales(_ step: TokenStep, _ aggregate: TokenAggregation) -> [Float] {
        let mask = step.tokens.map { step.work.valueMask.isEmpty ? step.work.mask[$0] : step.work.valueMask[$0] }
        let count = max(mask.reduce(0, +), 1)
        return mask.map { $0 / count }
    }
    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        slope.value = slope.loss
        for (index, token) in step.tokens.enumerated() {
            let (value, old, target) = (step.value[index], step.work.values[token], step.work.valueTarget[token])
            let kept = old + min(max(value - old, -clip), clip)
            let (free, limited) = ((value - target) * (value - target), (kept - target) * (kept - target))
            slope.loss[index] = coefficient * max(free, limited) / 2
            // Where the limited one counts, it moves with V only inside of the limits.
            slope.value[index] = free >= limited ? coefficient * (value - target) : kept == value ? coefficient * (kept - target) : 0
        }
        return slope
    }
}
