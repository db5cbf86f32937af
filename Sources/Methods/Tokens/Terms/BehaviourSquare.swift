/// τ (lp − lb)²: k2 of the divergence from the behaviour policy, its ½ in τ (OPMD in Kimi's form, S080).
public struct BehaviourSquare: TokenTerm {
    /// τ
    public var coefficient: Float
    public let name = "behaviour_square"

    public init(_ coefficient: Float) { self.coefficient = coefficient }

    public var isWeighted: Bool { false }

    public func slope(_ step: TokenStep) -> TokenSlope {
        let x = zip(step.logProb, step.behaviour).map { min(max($0 - $1, -20), 20) }
        return TokenSlope(loss: x.map { coefficient * $0 * $0 }, logProb: x.map { 2 * coefficient * $0 })
    }
}
