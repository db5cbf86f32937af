import Rollouts

/// Proximal clipping of whole responses (GSPO; B07) with s = exp(mean over tokens of lp − lo), the geometric mean of the ratios:
///
///     l = max(−s A, −clip(s, 1 − ε_lo, 1 + ε_hi) A)
///
/// Its gradient is the same for every token of a response: ∂l/∂lp_t = −s A / |o| where s is not clipped, and told here as −s A, for the mean
/// over a response's tokens. In the token form, s_t has the value of s and the gradient of its own token, so that advantages may differ from
/// token to token; with one advantage per response both forms are the same.
public struct SequenceClip: TokenTerm {
    public var low: Float
    public var high: Float
    public var isPerToken: Bool
    public let name = "policy_loss"

    public init(low: Float = 3e-4, high: Float = 4e-4, perToken: Bool = false) {
        self.low = low
        self.high = high
        isPerToken = perToken
    }

    public var aggregate: TokenAggregation? { .sequenceMeanTokenMean }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        for sequence in step.sequences where sequence.length > 0 {
            let (ratio, isCapped) = ratio(sequence, step)
            // In double precision: the mean of equal numbers is that number.
            let shared = Float(sequence.span.reduce(0.0) { $0 + Double(step.mask[$1] * step.advantage[$1]) } / Double(sequence.length))
            for token in sequence.span {
                let advantage = isPerToken ? step.advantage[token] : shared
                slope.loss[token] = max(-ratio * advantage, -min(max(ratio, 1 - low), 1 + high) * advantage)
                slope.logProb[token] = isCapped || isClipped(ratio, advantage) ? 0 : -ratio * advantage
            }
        }
        return slope
    }

    /// s, and whether it is at the largest that is computed with.
    private func ratio(_ sequence: TokenStep.Sequence, _ step: TokenStep) -> (Float, isCapped: Bool) {
        let mean = sequence.span.reduce(0) { $0 + step.mask[$1] * step.logRatio($1) } / sequence.length
        return (exponential(min(mean, 10)), mean > 10)
    }

    private func isClipped(_ ratio: Float, _ advantage: Float) -> Bool {
        advantage > 0 ? ratio > 1 + high : advantage < 0 ? ratio < 1 - low : true
    }

    public func metrics(_ step: TokenStep) -> [Metric] {
        let counting = step.sequences.filter { $0.length > 0 }
        let clipped = counting.count { sequence in
            let advantage = step.sum(step.advantage, sequence)
            return advantage != 0 && isClipped(ratio(sequence, step).0, advantage)
        }
        return [("clip_fraction", Float(clipped) / Float(max(counting.count, 1)))]
    }
}

extension TokenMethod {
    /// Group sequence policy optimisation (Zheng et al., 2025; B07): GRPO's advantages with `SequenceClip`, the mean over responses.
    ///
    /// Limits are of a mean over tokens, so they shrink with the length, about as its square root: the published 0.0003 and 0.0004 are for
    /// thousands of tokens. Per sequence. Staleness class C.
    public static func gspo(_ settings: TokenSettings = TokenSettings(), clip: SequenceClip = SequenceClip(low: 0.05, high: 0.07)) -> TokenMethod {
        TokenMethod("gspo", settings, stages: [GroupRelative()], terms: [clip], aggregate: .sequenceMeanTokenMean)
    }
}

extension MethodEntry {
    static let gspo = MethodEntry(
        token: "gspo", summary: "ratios and clips of whole responses", paper: "Zheng et al. 2025, arXiv:2507.18071", paperID: "B07",
        options: TokenSettings.options() + [
            MethodOption("clip_low", 0.05, 0...1, "ε below, of the mean ratio of a response: 0.0003 for thousands of tokens"),
            MethodOption("clip_high", 0.07, 0...(.infinity), "ε above: 0.0004 for thousands of tokens"),
            MethodOption("per_token", 0, 0...1, isFlag: true, "the token form: advantages may differ inside of a response"),
        ],
        proof: .reversals(
            "Ratios of whole responses, with four passes over each batch, teach no less than ratios of tokens.",
            arms: [
                .init("GSPO", ["method.id=gspo", "method.options.epochs=4", "method.options.clip_low=0.05", "method.options.clip_high=0.05"]),
                .init("GRPO", ["method.id=grpo", "method.options.epochs=4"]),
            ], verdicts: [.atLeast(1, "GSPO", of: "GRPO")])
    ) { option in
        .gspo(
            TokenSettings(option), clip: SequenceClip(low: option("clip_low"), high: option("clip_high"), perToken: option.flag("per_token")))
    }
}
