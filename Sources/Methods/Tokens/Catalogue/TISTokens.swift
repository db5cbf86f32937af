import Rollouts

extension TokenMethod {
    /// Truncated importance sampling for token policies (Yao et al., 2025; B10): GRPO whose ratio is to the learner's own start of the update,
    /// times w = min(π_prox / μ, C) of the token or of the response; see `ImportanceWeights`. It corrects what the proximal clip cannot see:
    /// that the actors' probabilities are older, or computed in another way, than the learner's.
    ///
    /// In bypass mode π_prox is what the actors told: w = 1, and the clipped ratio alone does both. Per token; w is constant.
    /// Staleness class C.
    public static func tisTokens(
        _ settings: TokenSettings = TokenSettings(), weights: ImportanceWeights = ImportanceWeights(), clip: TokenClip = TokenClip(),
        bypasses: Bool = false
    ) -> TokenMethod { corrected("tis-tokens", settings, weights, clip, bypasses) }

    /// Masked importance sampling (B10): `tisTokens` where tokens or responses with a ratio outside of [C_lo, C_hi] weigh nothing, instead of C.
    /// The geometric mean wants tight bounds, such as 0.99 to 1.001.
    public static func misTokens(
        _ settings: TokenSettings = TokenSettings(), weights: ImportanceWeights = ImportanceWeights(.mask, low: 0.5), clip: TokenClip = TokenClip(),
        bypasses: Bool = false
    ) -> TokenMethod { corrected("mis-tokens", settings, weights, clip, bypasses) }

    private static func corrected(
        _ name: String, _ settings: TokenSettings, _ weights: ImportanceWeights, _ clip: TokenClip, _ bypasses: Bool
    ) -> TokenMethod {
        TokenMethod(
            name, settings, staleness: .onPolicy(maxLag: 16), stages: [GroupRelative(), weights], terms: [clip], aggregate: .tokenMean,
            proximal: bypasses ? .behaviour : .start)
    }
}

extension MethodEntry {
    static let tisTokens = MethodEntry(
        token: "tis-tokens", summary: "GRPO with truncated weights for the age of the data",
        paper: "Yao et al. 2025, \"Your efficient RL framework secretly brings you off-policy RL training\"", paperID: "B10",
        options: correctionOptions(),
        proof: .lagged(
            "At lag 8 truncated weights keep more than no correction.",
            arms: [
                .init("TIS", ["method.id=tis-tokens"], lag: 8),
                .init("none", ["method.id=reinforce-tokens", "method.options.mean=1"], lag: 8),
            ], verdicts: [.better("TIS", than: "none")])
    ) { option in
        .tisTokens(TokenSettings(option), weights: weights(.truncate, option), clip: TokenClip(option), bypasses: option.flag("bypass"))
    }

    static let misTokens = MethodEntry(
        token: "mis-tokens", summary: "GRPO that leaves out data that the policy would not have drawn",
        paper: "Yao et al. 2025, \"Your efficient RL framework secretly brings you off-policy RL training\"", paperID: "B10",
        options: correctionOptions() + [MethodOption("floor", 0.5, 0...(.infinity), "the least weight: below it, 0")],
        proof: .lagged(
            "At lag 8 leaving out what the policy would not have drawn keeps more than no correction.",
            arms: [
                .init("MIS", ["method.id=mis-tokens"], lag: 8),
                .init("none", ["method.id=reinforce-tokens"], lag: 8),
            ], verdicts: [.better("MIS", than: "none")])
    ) { option in
        .misTokens(TokenSettings(option), weights: weights(.mask, option), clip: TokenClip(option), bypasses: option.flag("bypass"))
    }

    private static func correctionOptions() -> [MethodOption] {
        TokenSettings.options() + TokenSettings.clipOptions() + [
            .importanceLevel,
            MethodOption("cap", 2, 0...(.infinity), "C: the largest weight"),
            MethodOption("veto", 0, 0...1, "responses with a token whose ratio is below this are left out; 0: none"),
            MethodOption("self_normalize", 0, 0...1, isFlag: true, "divide the weights by their mean"),
            MethodOption("bypass", 0, 0...1, isFlag: true, "the ratio is to what the actors told, and does both"),
        ]
    }

    private static func weights(_ limit: ImportanceWeights.Limit, _ option: MethodOptions) -> ImportanceWeights {
        ImportanceWeights(
            limit, level: ImportanceLevel(rawValue: option.count("level"))!, low: limit == .mask ? min(option("floor"), option("cap")) : 0,
            high: option("cap"), veto: option("veto"), selfNormalizes: option.flag("self_normalize"))
    }
}
