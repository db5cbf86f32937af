/// V-trace (Espeholt et al., 2018, IMPALA, eq. 1 and §4.2; B03). With ρ_t = π(a_t | o_t) / μ(a_t | o_t):
///
///     δ_t = min(ρ̄, ρ_t) (r_t + d_t V(o_{t+1}) − V(o_t))
///     e_t = δ_t + d_t λ min(c̄, ρ_t) e_{t+1}                      vs_t = V(o_t) + e_t
///     A_t = min(ρ̄_pg, ρ_t) (r_t + d_t (V(o_{t+1}) + λ e_{t+1}) − V(o_t))
///
/// With λ = 1 the bracket of A_t holds vs_{t+1}, as in the paper; a smaller λ mixes it with V(o_{t+1}). e is 0 after the end of the
/// sequence and of every episode, however it ended; only a termination removes V(o_{t+1}). `errors` e [T], `advantages` A [T].
public func vtrace(
    _ sequence: CreditSequence, ratios: Strided<Float>, lambda: Float, rhoBar: Float, cBar: Float, policyRhoBar: Float,
    errors: MutableStrided<Float>, advantages: MutableStrided<Float>
) {
    precondition(
        ratios.count == sequence.count && errors.count == sequence.count && advantages.count == sequence.count,
        "\(ratios.count) ratios, \(errors.count) errors and \(advantages.count) advantages for \(sequence.count) steps")
    var following: Float = 0
    for t in (0..<sequence.count).reversed() {
        if sequence.truncated[t] != 0 { following = 0 }
        let (ratio, discount, value) = (ratios[t], sequence.discounts[t], sequence.values[t])
        let target = sequence.rewards[t] + discount * sequence.nextValues[t]
        let trace = discount * lambda * following
        advantages[t] = min(policyRhoBar, ratio) * (target + trace - value)
        following = min(rhoBar, ratio) * (target - value) + min(cBar, ratio) * trace
        errors[t] = following
    }
}

/// `vtrace` as a method's credit; see there for the equations.
public struct VTrace: Credit {
    public var lambda: Float
    /// ρ̄: which policy's value is learned; below it, the fixed point lies between the behaviour and the target policy's.
    public var rhoBar: Float
    /// c̄: how far errors travel back; it changes the speed, not the fixed point.
    public var cBar: Float
    /// ρ̄ of the policy gradient's weight.
    public var policyRhoBar: Float

    public init(lambda: Float = 1, rhoBar: Float = 1, cBar: Float = 1, policyRhoBar: Float = 1) {
        self.lambda = lambda
        self.rhoBar = rhoBar
        self.cBar = cBar
        self.policyRhoBar = policyRhoBar
    }

    public func assign(
        _ sequence: CreditSequence, ratios: Strided<Float>, advantages: MutableStrided<Float>, valueTargets: MutableStrided<Float>
    ) {
        vtrace(
            sequence, ratios: ratios, lambda: lambda, rhoBar: rhoBar, cBar: cBar, policyRhoBar: policyRhoBar, errors: valueTargets,
            advantages: advantages)
        for t in 0..<sequence.count { valueTargets[t] += sequence.values[t] }
    }

    public func metrics(ratios: UnsafeBufferPointer<Float>) -> [Metric] {
        var clipped = 0
        // A ratio of 1 is rounded to something above it as often as not.
        for ratio in ratios { clipped &+= ratio > rhoBar * (1 + 1e-5) ? 1 : 0 }
        return [("rho_clipped_share", Float(clipped) / Float(ratios.count))]
    }
}
