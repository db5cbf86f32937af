import Rollouts

/// The divergence from the reference policy as a part of the reward (B01, B02): −β (log μ − log π_ref) of every token that counts, k1 on samples
/// of μ, a constant.
public struct ReferencePenalty: TokenStage {
    /// β
    public var coefficient: Float
    /// Of each token for itself, for credit that goes token by token, instead of in one sum.
    public var isPerToken: Bool

    public init(_ coefficient: Float, perToken: Bool = false) {
        self.coefficient = coefficient
        isPerToken = perToken
    }

    static let option = MethodOption("beta", 0, 0...10, "the coefficient of the divergence from the reference policy, in the reward")
    /// Nothing for a coefficient of 0: then no reference has to be computed.
    static func stages(_ option: MethodOptions, perToken: Bool = false) -> [any TokenStage] {
        option.unlessZero("beta").map { [ReferencePenalty($0, perToken: perToken)] } ?? []
    }

    public var needs: TokenNeeds { .reference }

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        let penalty = (0..<batch.count).map { -coefficient * work.mask[$0] * (batch.behaviour[$0] - work.reference[$0]) }
        if isPerToken {
            work.tokenReward = work.tokenReward.isEmpty ? penalty : zip(work.tokenReward, penalty).map { $0 + $1 }
        } else {
            for response in batch.responses.indices { work.reward[response] += batch.spans[response].reduce(0) { $0 + penalty[$1] } }
        }
    }
}
