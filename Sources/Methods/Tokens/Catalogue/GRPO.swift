import Rollouts

extension TokenMethod {
    /// Group relative policy optimisation (Shao et al., 2024, DeepSeekMath; B04): A = (R − mean) / std inside of the group, the proximal clip
    /// per token, the mean over tokens and then over responses, and β · k3 to the reference policy per token in the loss.
    ///
    /// Staleness class C: the ratio corrects for some age within the clip.
    public static func grpo(
        _ settings: TokenSettings = TokenSettings(), scale: GroupRelative.Scale = .group, clip: TokenClip = TokenClip(), beta: Float = 0
    ) -> TokenMethod {
        TokenMethod(
            "grpo", settings, stages: [GroupRelative(scale)], terms: [clip] + (beta > 0 ? [ReferenceDivergence(beta)] : []),
            aggregate: .sequenceMeanTokenMean)
    }
}

extension MethodEntry {
    static let grpo = MethodEntry(
        token: "grpo", summary: "rewards relative to the group, proximal clip per token", paper: "Shao et al. 2024, arXiv:2402.03300", paperID: "B04",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [
            MethodOption("beta", 0, 0...10, "the coefficient of the divergence from the reference policy"),
            MethodOption("std", 1, 0...1, isFlag: true, "divide by the group's standard deviation"),
        ],
        proof: .reversals(
            "Rewards relative to the group teach more than rewards alone, from the same responses.",
            arms: [
                .init("GRPO", ["method.id=grpo"]),
                .init("REINFORCE", ["method.id=reinforce-tokens", "method.options.mean=0"]),
            ], verdicts: [.better("GRPO", than: "REINFORCE")])
    ) { option in
        .grpo(TokenSettings(option), scale: option.flag("std") ? .group : .none, clip: TokenClip(option), beta: option("beta"))
    }
}
