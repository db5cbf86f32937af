import Rollouts

/// Generalised advantage estimation over the tokens of a response (B02), with V of the state before each: `egae`, so that a response that
/// goes on in a later rollout needs no value of the state behind its last token (T-PPO, S037). The value target is A_t + V_t.
///
/// Tokens that the policy did not draw are passed over: the drawn token before them is followed by the one after them. A response's reward is
/// its last token's. Both ends of a response are terminations: the longest response is part of the task, and was judged.
public struct TokenGAE: TokenStage {
    /// γ
    public var discount: Float
    /// λ
    public var lambda: Float

    public init(discount: Float = 1, lambda: Float = 0.95) {
        self.discount = discount
        self.lambda = lambda
    }

    public var needs: TokenNeeds { .values }

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        work.valueTarget = work.values
        for (number, response) in batch.responses.enumerated() where !response.isBaseline && response.end != .unverified {
            let tokens = batch.drawn(number)
            guard !tokens.isEmpty else { continue }
            let isOpen = response.end == .open
            var rewards = tokens.map { work.tokenReward.isEmpty ? 0 : work.tokenReward[$0] }
            if !isOpen { rewards[tokens.count - 1] += work.reward[number] }
            let values = tokens.map { work.values[$0] }
            let advantages = Self.advantages(rewards, values, isOpen: isOpen, discount: discount, lambda: lambda)
            for (place, token) in tokens.enumerated() {
                work.advantage[token] = advantages[place]
                work.valueTarget[token] = advantages[place] + values[place]
            }
        }
    }

    /// Of one response, token by token.
    public static func advantages(_ rewards: [Float], _ values: [Float], isOpen: Bool, discount: Float, lambda: Float) -> [Float] {
        var discounts = [Float](repeating: discount, count: rewards.count)
        if !isOpen { discounts[rewards.count - 1] = 0 }
        let cuts = [UInt8](repeating: 0, count: rewards.count)
        let next = values.dropFirst() + [0]
        var advantages = [Float](repeating: 0, count: rewards.count)
        rewards.withUnsafeBufferPointer { rewards in
            values.withUnsafeBufferPointer { values in
                next.withUnsafeBufferPointer { next in
                    discounts.withUnsafeBufferPointer { discounts in
                        cuts.withUnsafeBufferPointer { cuts in
                            advantages.withUnsafeMutableBufferPointer { advantages in
                                let sequence = CreditSequence(
                                    rewards: Strided(rewards), discounts: Strided(discounts), truncated: Strided(cuts),
                                    values: Strided(values), nextValues: Strided(next))
                                egae(sequence, lambda: lambda, advantages: MutableStrided(advantages, slot: 0, of: 1))
                            }
                        }
                    }
                }
            }
        }
        return advantages
    }
}
