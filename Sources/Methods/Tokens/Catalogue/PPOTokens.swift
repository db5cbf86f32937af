import Rollouts

/// What methods with a value of every token have in common: γ, λ, and how the value is fitted.
public struct TokenCriticSettings: Sendable, Hashable {
    public var discount: Float = 1
    public var lambda: Float = 0.95
    public var normalizesAdvantages = true
    /// c_v, and how far a value may go from where it was at the start of the update.
    public var coefficient: Float = 0.5
    public var clip: Float = 0.2

    public init() {}
    public init(_ option: MethodOptions) {
        discount = option("discount")
        lambda = option("lambda")
        normalizesAdvantages = option.flag("normalize_advantages")
        coefficient = option("value")
        clip = option("value_clip")
    }

    public static let options = [
        MethodOption("discount", 1, 0...1, "γ, the weight of a reward one token later"),
        MethodOption("lambda", 0.95, 0...1, "λ of GAE: 0 one-token errors, 1 the whole response"),
        MethodOption("normalize_advantages", 1, 0...1, isFlag: true, "centre and scale advantages over the tokens of the batch"),
        MethodOption("value", 0.5, 0...100, "the coefficient of the value error"),
        MethodOption("value_clip", 0.2, 0...(.infinity), "how far a value may go from where it was at the start of the update"),
    ]

    public var credit: [any TokenStage] {
        [TokenGAE(discount: discount, lambda: lambda)] + (normalizesAdvantages ? [Whitening()] : [])
    }
    public var fit: TokenValueFit { TokenValueFit(coefficient, clip: clip) }
}

extension TokenMethod {
    /// Proximal policy optimisation for token policies (Schulman et al., 2017; Ye et al., 2020; B02): GAE over the drawn tokens with a value head,
    /// advantages whitened over the batch, the proximal clip per token with an optional dual clip, and values kept near those at the start.
    /// A divergence from the reference, if any, is a reward of every token.
    ///
    /// The ratio is to what the actors told. Both ends of a response are terminations. The adaptive divergence coefficient and the early stop
    /// of some implementations are not part of it. Staleness class C: the ratio corrects for some age within the clip.
    public static func ppoTokens(
        _ settings: TokenSettings = TokenSettings(), critic: TokenCriticSettings = TokenCriticSettings(), clip: TokenClip = TokenClip(dual: 3),
        shaping: [any TokenStage] = []
    ) -> TokenMethod {
        var method = TokenMethod(
            "ppo-tokens", settings, stages: shaping + critic.credit, terms: [clip, critic.fit], aggregate: .tokenMean)
        method.hasValue = true
        method.discount = critic.discount
        return method
    }
}

extension MethodEntry {
    static let ppoTokens = MethodEntry(
        token: "ppo-tokens", summary: "GAE over tokens with a value head, proximal clip per token", paper: "Schulman et al. 2017, arXiv:1707.06347",
        paperID: "B02",
        options: TokenSettings.options(responses: 1) + TokenSettings.clipOptions(dual: 3) + TokenCriticSettings.options + [ReferencePenalty.option],
        proof: .reversals(
            "A value of every token teaches more than rewards alone, from single responses.",
            arms: [
                .init("PPO", ["method.id=ppo-tokens", "tokens.groups=64"]),
                .init("REINFORCE", ["method.id=reinforce-tokens", "method.options.mean=0", "method.options.responses=1", "tokens.groups=64"]),
            ], verdicts: [.better("PPO", than: "REINFORCE")])
    ) { option in
        .ppoTokens(
            TokenSettings(option), critic: TokenCriticSettings(option), clip: TokenClip(option),
            shaping: ReferencePenalty.stages(option, perToken: true))
    }
}
