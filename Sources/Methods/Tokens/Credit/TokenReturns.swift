/// Rewards as they are (REINFORCE; B01): A_t = Σ_{k ≥ t} γ^{k−t} r_k over the tokens that the policy drew. A response's reward is its last
/// token's, beside the rewards that single tokens have (`TokenWork.tokenReward`). With γ = 1 and without those, A = R.
///
/// Responses that were not judged yet have none.
public struct TokenReturns: TokenStage {
    /// γ
    public var discount: Float

    public init(discount: Float = 1) { self.discount = discount }

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        for group in batch.groups.indices {
            for response in batch.judged(group) {
                var following: Float = 0
                for (after, token) in batch.drawn(response).reversed().enumerated() {
                    let reward = (after == 0 ? work.reward[response] : 0) + (work.tokenReward.isEmpty ? 0 : work.tokenReward[token])
                    following = reward + discount * following
                    work.advantage[token] = following
                }
            }
        }
    }
}
