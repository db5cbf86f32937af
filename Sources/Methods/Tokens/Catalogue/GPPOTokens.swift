import Rollouts

/// Gradient-preserving clipping per token (Su et al., 2025; S073): the value of the proximal clip, but a token that it clips keeps the
/// gradient of its limit. The coefficient φ of −φ A ∇lp:
///
///     A > 0: min(r, β₂ (1 + ε_hi));   A < 0: max(r, β₁ (1 − ε_lo)), and 0 beyond the dual clip
///
/// It is the gradient of limits β (1 ± ε) r / sg(r): bounded, and never 0 on the side where the clip stops.
public struct GradientPreservingTokenClip: TokenTerm {
    public var clip: TokenClip
    /// β₁, β₂: scale what clipped tokens keep.
    public var lowKept: Float
    public var highKept: Float
    public let name = "policy_loss"

    public init(_ clip: TokenClip = TokenClip(low: 0.2, high: 0.28, dual: 10), lowKept: Float = 1, highKept: Float = 1) {
        self.clip = clip
        self.lowKept = lowKept
        self.highKept = highKept
    }

    public var deliberateSlope: String? { "straight through: what the clip has cut keeps the gradient of its limit" }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = clip.slope(step)
        for token in 0..<step.count {
            let (ratio, advantage) = (step.ratio(token), step.advantage[token])
            if advantage > 0, ratio > 1 + clip.high { slope.logProb[token] = -highKept * (1 + clip.high) * advantage }
            if advantage < 0, ratio < 1 - clip.low { slope.logProb[token] = -lowKept * (1 - clip.low) * advantage }
        }
        return slope
    }

    public func metrics(_ step: TokenStep) -> [Metric] { clip.metrics(step) }
}

extension TokenMethod {
    /// GPPO of Klear-Reasoner (Su et al., 2025; S073): GRPO's advantages, `GradientPreservingTokenClip`, 0.1 of supervised learning on correct
    /// responses (a mean over their tokens), a mean over all tokens; groups with equal rewards are left out.
    ///
    /// Staleness class C.
    public static func gppoTokens(
        _ settings: TokenSettings = TokenSettings(), objective: GradientPreservingTokenClip = GradientPreservingTokenClip(),
        likelihood: Float = 0.1
    ) -> TokenMethod {
        TokenMethod(
            "gppo-tokens", settings, stages: [GroupRelative()],
            terms: [objective] + (likelihood > 0 ? [Likelihood(likelihood, onlyCorrect: true)] : []), aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let gppoTokens = MethodEntry(
        token: "gppo-tokens", summary: "proximal clip whose clipped tokens keep the gradient of their limit",
        paper: "Su et al. 2025, arXiv:2508.07629", paperID: "S073",
        options: TokenSettings.options(leavesOutEqual: true) + TokenSettings.clipOptions(low: 0.2, high: 0.28, dual: 10) + [
            MethodOption("low_kept", 1, 0...10, "β₁: scales the gradient that tokens below the limit keep"),
            MethodOption("high_kept", 1, 0...10, "β₂: scales the gradient that tokens above the limit keep"),
            MethodOption("likelihood", 0.1, 0...1000, "the coefficient of −log π of correct responses"),
        ],
        proof: .reversals(
            "Clipped tokens that keep a gradient let eight passes over each batch teach more.",
            arms: [
                .init("GPPO", ["method.id=gppo-tokens", "method.options.epochs=8", "method.options.likelihood=0"]),
                .init("GRPO", ["method.id=grpo", "method.options.epochs=8"]),
            ], measure: .meanReturn, verdicts: [.better("GPPO", than: "GRPO")])
    ) { option in
        .gppoTokens(
            TokenSettings(option),
            objective: GradientPreservingTokenClip(TokenClip(option), lowKept: option("low_kept"), highKept: option("high_kept")),
            likelihood: option("likelihood"))
    }
}
