import Rollouts

extension TokenMethod {
    /// Decoupled clip and dynamic sampling (Yu et al., 2025, DAPO; B05): GRPO with more room above than below (clip-higher), only groups whose
    /// rewards differ (`GroupPlan.leavesOutEqual`), the mean over all tokens of the batch, and a soft punishment of overlong responses
    /// (`OverlongPunishment`) or none of those in the loss (`OverlongFilter`). There is no divergence from a reference.
    ///
    /// Actors leave groups out by the verifier's rewards, before the punishment. Per token. Staleness class C.
    public static func dapo(
        _ settings: TokenSettings, overlong: OverlongPunishment? = OverlongPunishment(), filtersCut: Bool = false,
        clip: TokenClip = TokenClip(low: 0.2, high: 0.28, dual: 10)
    ) -> TokenMethod {
        TokenMethod(
            "dapo", settings,
            stages: (overlong.map { [$0] } ?? []) + [GroupRelative()] + (filtersCut ? [OverlongFilter()] : []) as [any TokenStage],
            terms: [clip], aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let dapo = MethodEntry(
        token: "dapo", summary: "GRPO with clip-higher, dynamic sampling, token mean and a soft limit of length",
        paper: "Yu et al. 2025, arXiv:2503.14476", paperID: "B05",
        options: TokenSettings.options(responses: 16, leavesOutEqual: true) + TokenSettings.clipOptions(high: 0.28, dual: 10)
            + OverlongPunishment.options + [
                MethodOption("filter_cut", 0, 0...1, isFlag: true, "responses that were cut at the longest are in no loss")
            ],
        proof: .reversals(
            "With dynamic sampling hardly a group teaches nothing.",
            arms: [
                .init("DAPO", ["method.id=dapo", "method.options.responses=8"]),
                .init("GRPO", ["method.id=grpo"]),
            ], measure: .metric("groups_without_advantage"), verdicts: [.below(0.2, "DAPO", of: "GRPO")])
    ) { option in
        .dapo(
            TokenSettings(option), overlong: OverlongPunishment(option), filtersCut: option.flag("filter_cut"), clip: TokenClip(option))
    }
}
