import Rollouts

/// Correct responses against the wrong ones of the same group (DisCO, S157; DRPO, S070), with scores s of whole responses:
///
///     J_q = Σ_{i ∈ S⁺} v_i s_i − τ log mean_{j ∈ S⁻} exp(s_j / τ),   l = −mean_q J_q
///
/// so that ∂l/∂s_i = −v_i and ∂l/∂s_j = softmax(s / τ)_j, divided by the number of groups. Groups without both kinds give 0, but count in
/// the mean. There is no clip and no advantage.
public struct GroupContrast: TokenTerm {
    public enum Score: Sendable, Hashable {
        /// The mean of lp over a response.
        case logLikelihood
        /// The mean of r over a response.
        case ratio
    }
    public var score: Score
    /// τ: how much more the likelier wrong responses weigh; infinite: they weigh the same (DisCO-b).
    public var temperature: Float
    /// The weights v of correct responses of these lengths, whose sum is 1; nil: equal ones.
    public var preference: LengthPreference?
    public let name = "policy_loss"

    public init(_ score: Score = .logLikelihood, temperature: Float = 10, preference: LengthPreference? = nil) {
        self.score = score
        self.temperature = temperature
        self.preference = preference
    }

    public var seesWholeStep: Bool { true }
    public var aggregate: TokenAggregation? { .sum }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        let judged = step.groups.map { group in
            group.filter { $0.length > 0 && ![.open, .unverified].contains(step.work.batch.responses[$0.response].end) }
        }
        let count = Float(max(judged.count { !$0.isEmpty }, 1))
        for group in judged {
            let (value, parts) = contrast(
                group.map { score(of: $0, step) }, group.map { step.work.batch.responses[$0.response].isCorrect }, group.map(\.length))
            let tokens = group.reduce(0) { $0 + $1.length }
            for (sequence, part) in zip(group, parts) {
                for token in sequence.span {
                    slope.loss[token] = -value / (count * tokens)
                    let inner = score == .ratio ? step.ratio(token) : 1
                    slope.logProb[token] = -part * inner / (count * sequence.length)
                }
            }
        }
        return slope
    }

    private func score(of sequence: TokenStep.Sequence, _ step: TokenStep) -> Float {
        sequence.span.reduce(0) { $0 + step.mask[$1] * (score == .ratio ? step.ratio($1) : step.logProb[$1]) } / sequence.length
    }

    /// J of one group, and ∂J/∂s of every response.
    public func contrast(_ scores: [Float], _ isCorrect: [Bool], _ lengths: [Float]) -> (value: Float, parts: [Float]) {
        let (correct, wrong) = (scores.indices.filter { isCorrect[$0] }, scores.indices.filter { !isCorrect[$0] })
        var parts = [Float](repeating: 0, count: scores.count)
        guard !correct.isEmpty, !wrong.isEmpty else { return (0, parts) }
        let liked = preference?.weights(correct.map { lengths[$0] }) ?? correct.map { _ in 1 / Float(correct.count) }
        for (response, weight) in zip(correct, liked) { parts[response] = weight }
        var value = zip(correct, liked).reduce(Float(0)) { $0 + $1.1 * scores[$1.0] }
        if temperature == .infinity {
            for response in wrong {
                parts[response] = -1 / Float(wrong.count)
                value -= scores[response] / Float(wrong.count)
            }
            return (value, parts)
        }
        let top = wrong.map { scores[$0] }.max()!
        let hardness = wrong.map { exponential((scores[$0] - top) / temperature) }
        let sum = hardness.reduce(0, +)
        for (response, weight) in zip(wrong, hardness) { parts[response] = -weight / sum }
        value -= top + temperature * naturalLogarithm(sum / Float(wrong.count))
        return (value, parts)
    }
}

/// Short correct responses weigh more (DRPO, S070): v ∝ exp((1 − |o| / longest) / λ), the importance weights of the policy that is best for a
/// length reward at a divergence cost λ.
public struct LengthPreference: Sendable, Hashable {
    /// λ; infinite: all the same.
    public var lambda: Float
    /// L_max
    public var longest: Float

    public init(lambda: Float, longest: Float) {
        self.lambda = lambda
        self.longest = longest
    }

    public func weights(_ lengths: [Float]) -> [Float] {
        // Only differences count: against the shortest, nothing overflows.
        let shortest = lengths.min() ?? 0
        let weights = lengths.map { exponential((shortest - $0) / longest / lambda) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }
}
