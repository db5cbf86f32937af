/// −c · lp: supervised learning on what was drawn; its expectation under the policy that drew it is a forward divergence (S080, S073).
public struct Likelihood: TokenTerm {
    public var coefficient: Float
    /// Of correct responses alone, a mean over their tokens in the step; otherwise of all tokens, averaged as the method does.
    public var onlyCorrect: Bool
    public let name = "likelihood_loss"

    public init(_ coefficient: Float, onlyCorrect: Bool = false) {
        self.coefficient = coefficient
        self.onlyCorrect = onlyCorrect
    }

    public var isWeighted: Bool { false }

    public func scales(_ step: TokenStep, _ aggregate: TokenAggregation) -> [Float] {
        guard onlyCorrect else { return aggregate.scales(step) }
        var scales = [Float](repeating: 0, count: step.count)
        let correct = step.sequences.filter { step.work.batch.responses[$0.response].isCorrect }
        let count = max(correct.reduce(0) { $0 + $1.length }, 1)
        for sequence in correct { for token in sequence.span { scales[token] = step.mask[token] / count } }
        return scales
    }

    public func slope(_ step: TokenStep) -> TokenSlope {
        TokenSlope(loss: step.logProb.map { -coefficient * $0 }, logProb: [Float](repeating: -coefficient, count: step.count))
    }
}
