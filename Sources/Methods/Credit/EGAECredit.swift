/// Extended generalised advantage estimation (ByteDance, 2025, T-PPO; S037): `gae` for a sequence that was cut before it was finished, without a
/// value for the state behind the cut. V(s_l) := V(s_{l−1}) there, so that
///
///     δ_{l−1} = r_{l−1} + d_{l−1} V(o_{l−1}) − V(o_{l−1})          (0 for γ = 1 without a reward)
///
/// and everything else as in `gae`, to which it is equal where the last step ends an episode. A time limit is no cut: its final observation
/// was seen. `advantages` [T].
public func egae(_ sequence: CreditSequence, lambda: Float, advantages: MutableStrided<Float>) {
    precondition(advantages.count == sequence.count, "\(advantages.count) advantages for \(sequence.count) steps")
    let last = sequence.count - 1
    var following: Float = 0
    for t in (0...last).reversed() {
        if sequence.truncated[t] != 0 { following = 0 }
        let (discount, value) = (sequence.discounts[t], sequence.values[t])
        let nextValue = t == last && sequence.truncated[t] == 0 ? value : sequence.nextValues[t]
        following = sequence.rewards[t] + discount * nextValue - value + discount * lambda * following
        advantages[t] = following
    }
}

/// `egae` as a method's credit; the value target is A_t + V(o_t).
///
/// In T-PPO, the value function learns from finished responses alone. An unroll of an environment is much shorter than an episode, and would
/// leave little to learn from: here it learns from every step.
public struct EGAE: Credit {
    public var lambda: Float
    public init(lambda: Float) { self.lambda = lambda }

    public func assign(
        _ sequence: CreditSequence, ratios: Strided<Float>, advantages: MutableStrided<Float>, valueTargets: MutableStrided<Float>
    ) {
        egae(sequence, lambda: lambda, advantages: advantages)
        for t in 0..<sequence.count { valueTargets[t] = advantages[t] + sequence.values[t] }
    }
}
