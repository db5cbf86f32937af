/// Leaky V-trace (Zahavy et al., 2020, "A self-tuning actor-critic algorithm", eq. 5): each clipped weight of `vtrace` becomes a mixture of
/// the clipped and the plain ratio, α min(bar, ρ_t) + (1 − α) ρ_t. α = 1 is V-trace, α = 0 the full per-decision importance weights.
///
/// `errors` e [T], `advantages` A [T], as in `vtrace`.
public func leakyVtrace(
    _ sequence: CreditSequence, ratios: Strided<Float>, alpha: Float, lambda: Float, rhoBar: Float, cBar: Float, policyRhoBar: Float,
    errors: MutableStrided<Float>, advantages: MutableStrided<Float>
) {
    precondition(
        ratios.count == sequence.count && errors.count == sequence.count && advantages.count == sequence.count,
        "\(ratios.count) ratios, \(errors.count) errors and \(advantages.count) advantages for \(sequence.count) steps")
    var following: Float = 0
    for t in (0..<sequence.count).reversed() {
        if sequence.truncated[t] != 0 { following = 0 }
        let (discount, value) = (sequence.discounts[t], sequence.values[t])
        let (ratio, plain) = (ratios[t], (1 - alpha) * ratios[t])
        let target = sequence.rewards[t] + discount * sequence.nextValues[t]
        let trace = discount * lambda * following
        advantages[t] = (plain + alpha * min(policyRhoBar, ratio)) * (target + trace - value)
        following = (plain + alpha * min(rhoBar, ratio)) * (target - value) + (plain + alpha * min(cBar, ratio)) * trace
        errors[t] = following
    }
}
