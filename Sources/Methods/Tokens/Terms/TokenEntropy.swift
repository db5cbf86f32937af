/// −c · H: keeps the entropy of every token's distribution up.
public struct TokenEntropy: TokenTerm {
    public var coefficient: Float
    public let name = "entropy_loss"

    public init(_ coefficient: Float) { self.coefficient = coefficient }

    public var isWeighted: Bool { false }
    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        slope.loss = step.entropy.map { -coefficient * $0 }
        slope.entropy = [Float](repeating: -coefficient, count: step.count)
        return slope
    }
}
