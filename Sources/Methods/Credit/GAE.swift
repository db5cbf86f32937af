/// Generalised advantage estimation (Schulman et al., 2016, eq. 16; B02):
///
///     δ_t = r_t + d_t V(o_{t+1}) − V(o_t)
///     A_t = δ_t + d_t λ A_{t+1}
///
/// The sum is cut where the episode ends in either way; only a termination cuts the bootstrap. `advantages` [T]; the value target is
/// A_t + V(o_t).
public func gae(_ sequence: CreditSequence, lambda: Float, advantages: MutableStrided<Float>) {
    precondition(advantages.count == sequence.count, "\(advantages.count) advantages for \(sequence.count) steps")
    var following: Float = 0
    for t in (0..<sequence.count).reversed() {
        if sequence.truncated[t] != 0 { following = 0 }
        let discount = sequence.discounts[t]
        let error = sequence.rewards[t] + discount * sequence.nextValues[t] - sequence.values[t]
        following = error + discount * lambda * following
        advantages[t] = following
    }
}

/// `gae` as a method's credit. λ = 1 is the return of the rest of the unroll less the value (n-step advantages, B14), λ = 0 the one-step
/// error. It takes the data for the target policy's.
public struct GAE: Credit {
    public var lambda: Float
    public init(lambda: Float) { self.lambda = lambda }

    public func assign(
        _ sequence: CreditSequence, ratios: Strided<Float>, advantages: MutableStrided<Float>, valueTargets: MutableStrided<Float>
    ) {
        gae(sequence, lambda: lambda, advantages: advantages)
        for t in 0..<sequence.count { valueTargets[t] = advantages[t] + sequence.values[t] }
    }
}
