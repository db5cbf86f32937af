/// The policy gradient (REINFORCE; B01): l = −A · lp, ∂l/∂lp = −A.
public struct TokenPolicyGradient: TokenTerm {
    public let name = "policy_loss"
    public init() {}

    public func slope(_ step: TokenStep) -> TokenSlope {
        TokenSlope(loss: zip(step.advantage, step.logProb).map { -$0 * $1 }, logProb: step.advantage.map { -$0 })
    }
}
