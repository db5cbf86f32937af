import Rollouts

extension TokenMethod {
    /// Asymmetric REINFORCE (Arnal et al., 2025; S080): l = −(R − mean − δ) lp per token with δ < 0, a mean over all tokens. The lowered
    /// baseline is REINFORCE plus |δ| of supervised learning on all responses, good or bad: what pushes up outweighs what pushes down, and
    /// old data do no harm. Staleness class A.
    public static func asymre(_ settings: TokenSettings = TokenSettings(), shift: Float = -0.1) -> TokenMethod {
        TokenMethod(
            "asymre", settings, staleness: .any, stages: [GroupCentered(shift: shift)], terms: [TokenPolicyGradient()], aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let asymre = MethodEntry(
        token: "asymre", summary: "REINFORCE below a lowered baseline, for data of any age", paper: "Arnal et al. 2025, arXiv:2506.20520",
        paperID: "S080",
        options: TokenSettings.options() + [MethodOption("shift", -0.1, -1000...1000, "δ: added to the group's mean as the baseline")],
        proof: .lagged(
            "At lag 8 a lowered baseline keeps more than the mean.",
            arms: [
                .init("lowered", ["method.id=asymre"], lag: 8),
                .init("mean", ["method.id=asymre", "method.options.shift=0"], lag: 8),
            ], verdicts: [.better("lowered", than: "mean")])
    ) { option in
        .asymre(TokenSettings(option), shift: option("shift"))
    }
}
