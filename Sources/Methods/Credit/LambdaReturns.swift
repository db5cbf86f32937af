/// λ-returns (Sutton & Barto, 2018, eq. 12.18), the targets of TD(λ):
///
///     G_t = r_t + d_t ((1 − λ) V(o_{t+1}) + λ G_{t+1}),  G = V at the end of the sequence and of a truncated episode
///
/// λ = 0 gives the one-step target, λ = 1 the discounted return. Equal to `gae` plus the values, up to rounding. `returns` [T].
public func lambdaReturns(_ sequence: CreditSequence, lambda: Float, returns: MutableStrided<Float>) {
    precondition(returns.count == sequence.count, "\(returns.count) returns for \(sequence.count) steps")
    let last = sequence.count - 1
    var following: Float = 0
    for t in (0...last).reversed() {
        let nextValue = sequence.nextValues[t]
        if t == last || sequence.truncated[t] != 0 { following = nextValue }
        following = sequence.rewards[t] + sequence.discounts[t] * ((1 - lambda) * nextValue + lambda * following)
        returns[t] = following
    }
}
