/// Returns of the rest of the unroll (B01): G_t = r_t + d_t G_{t+1}, with the value of what follows where the unroll or the episode was cut
/// from outside. A_t = G_t − V(o_t), or G_t without a baseline; the value target is G_t.
public struct MonteCarlo: Credit {
    /// Whether V(o_t) is subtracted: it changes the variance of the gradient, not its mean.
    public var baseline: Bool
    public init(baseline: Bool = true) { self.baseline = baseline }

    public func assign(
        _ sequence: CreditSequence, ratios: Strided<Float>, advantages: MutableStrided<Float>, valueTargets: MutableStrided<Float>
    ) {
        lambdaReturns(sequence, lambda: 1, returns: valueTargets)
        for t in 0..<sequence.count { advantages[t] = valueTargets[t] - (baseline ? sequence.values[t] : 0) }
    }
}
