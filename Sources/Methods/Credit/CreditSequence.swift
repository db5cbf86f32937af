/// What one sequence tells an estimator, T steps long. It may run over the ends of episodes.
public struct CreditSequence {
    /// r_t
    public let rewards: Strided<Float>
    /// d_t = γ (1 − terminated_t): the weight of everything that follows.
    public let discounts: Strided<Float>
    /// 1 where the episode was cut from outside after step t, or anything else but 0.
    public let truncated: Strided<UInt8>
    /// V(o_t)
    public let values: Strided<Float>
    /// The value of the successor in the same episode: V(o_{t+1}), or V(final observation) where step t was truncated. Finite and without
    /// effect where it terminated. The last one is the bootstrap value.
    public let nextValues: Strided<Float>

    public var count: Int { rewards.count }

    public init(
        rewards: Strided<Float>, discounts: Strided<Float>, truncated: Strided<UInt8>, values: Strided<Float>, nextValues: Strided<Float>
    ) {
        let counts = [rewards.count, discounts.count, truncated.count, values.count, nextValues.count]
        precondition(
            counts.allSatisfy { $0 == counts[0] },
            "rewards, discounts, truncated, values and next values of one sequence have \(counts) steps")
        self.rewards = rewards
        self.discounts = discounts
        self.truncated = truncated
        self.values = values
        self.nextValues = nextValues
    }
}
