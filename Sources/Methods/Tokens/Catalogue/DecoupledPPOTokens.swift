import Rollouts

extension TokenMethod {
    /// Decoupled PPO for token policies (Hilton et al., 2022; Fu et al., 2025, AReaL; B09), per token:
    ///
    ///     w · max(−r A, −clip(r, 1 − ε, 1 + ε) A),   r = π / π_prox,   w = sg(π_prox / μ)
    ///
    /// The learner computes π_prox with the weights at the start of the update, so that the clip measures the update and w the age of the data,
    /// even of a response whose tokens several versions drew. w is truncated at a cap, or the token masked beyond it; the mean is over the
    /// tokens before masking. Advantages are the group's (as AReaL trains), or GAE's with a value head.
    ///
    /// The clip bounds each update, not what several do with data of one version: the older the data, the shorter the steps must be.
    ///
    /// With μ = π_prox it is PPO. Staleness class C: w corrects the token that was drawn, not the ones before it.
    public static func decoupledPPOTokens(
        _ settings: TokenSettings = TokenSettings(), critic: TokenCriticSettings? = nil, clip: TokenClip = TokenClip(),
        weights: ImportanceWeights = ImportanceWeights(.mask, high: 5)
    ) -> TokenMethod {
        var method = TokenMethod(
            "decoupled-ppo-tokens", settings, staleness: .onPolicy(maxLag: 16), stages: (critic?.credit ?? [GroupRelative()]) + [weights],
            terms: [clip] + (critic.map { [$0.fit] } ?? []) as [any TokenTerm], aggregate: .tokenMean, proximal: .start)
        method.hasValue = critic != nil
        method.discount = critic?.discount ?? 1
        return method
    }
}

extension MethodEntry {
    static let decoupledPPOTokens = MethodEntry(
        token: "decoupled-ppo-tokens", summary: "a clip against the learner's own start, and a weight for the age of the data apart",
        paper: "Hilton et al. 2022, arXiv:2110.00641; Fu et al. 2025, arXiv:2505.24298", paperID: "B09",
        options: TokenSettings.options() + TokenSettings.clipOptions() + TokenCriticSettings.options + [
            MethodOption("critic", 0, 0...1, isFlag: true, "advantages by GAE with a value head, instead of the group's"),
            MethodOption("cap", 5, 0...(.infinity), "the largest weight"),
            MethodOption("mask", 1, 0...1, isFlag: true, "tokens beyond the cap get the weight 0 instead of the cap"),
            .importanceLevel,
        ],
        proof: .lagged(
            "At lag 8 the decoupled objective keeps what it has at lag 0; with the clip around the policy that acted more is lost.",
            arms: [
                .init("decoupled, lag 0", ["method.id=decoupled-ppo-tokens"]),
                .init("decoupled, lag 8", ["method.id=decoupled-ppo-tokens"], lag: 8),
                .init("coupled, lag 8", ["method.id=tis-tokens", "method.options.bypass=1"], lag: 8),
            ], verdicts: [.atLeast(0.95, "decoupled, lag 8", of: "decoupled, lag 0"), .better("decoupled, lag 8", than: "coupled, lag 8")])
    ) { option in
        .decoupledPPOTokens(
            TokenSettings(option), critic: option.flag("critic") ? TokenCriticSettings(option) : nil, clip: TokenClip(option),
            weights: ImportanceWeights(
                option.flag("mask") ? .mask : .truncate, level: ImportanceLevel(rawValue: option.count("level"))!, high: option("cap")))
    }
}

extension MethodOption {
    static let importanceLevel = MethodOption(
        "level", 0, 0...2, isWhole: true, "0 each token's ratio, 1 the product over its response, 2 its geometric mean")
}
