import Rollouts

extension TokenMethod {
    /// Discriminative constrained optimisation (Li et al., 2025, DisCO; S157): `GroupContrast` – scores of correct responses up, those of wrong ones
    /// down, the likelier ones more – under a `DivergenceHinge` that keeps an update near the policy that drew the data. The basic form
    /// weighs all wrong responses the same. A task counts the same whatever its success rate: there is no deviation to divide by.
    ///
    /// Per group; scores are means over a response's tokens. The scores of ratios take the same objective (in a public implementation they
    /// get the basic one). The advantages are told in metrics alone. Staleness class C: lo is the policy that drew the data.
    public static func disco(
        _ name: String = "disco", _ settings: TokenSettings = TokenSettings(), contrast: GroupContrast = GroupContrast(),
        hinge: DivergenceHinge = DivergenceHinge()
    ) -> TokenMethod {
        TokenMethod(name, settings, stages: [GroupRelative(.none)], terms: [contrast, hinge], aggregate: .sum)
    }
}

extension MethodEntry {
    static let disco = MethodEntry(
        token: "disco", summary: "correct against wrong responses of a group, under a limit of divergence",
        paper: "Li et al. 2025, arXiv:2505.12366", paperID: "S157",
        options: TokenSettings.options() + DivergenceHinge.options + [
            ratio, MethodOption("tau", 10, 1e-3...(.infinity), "τ: how little likelier wrong responses weigh more; 1 for ratios"),
        ],
        proof: .reversals(
            "Where few responses are correct, correct against wrong teaches more than GRPO.", changes: ["warmup.accuracy=0.1"],
            arms: [
                .init("DisCO", ["method.id=disco"]),
                .init("GRPO", ["method.id=grpo"]),
            ], verdicts: [.better("DisCO", than: "GRPO")])
    ) { option in
        .disco(
            "disco", TokenSettings(option), contrast: GroupContrast(score(option), temperature: option("tau")), hinge: DivergenceHinge(option))
    }

    static let discoB = MethodEntry(
        token: "disco-b", summary: "DisCO's basic form: all wrong responses weigh the same", paper: "Li et al. 2025, arXiv:2505.12366", paperID: "S157",
        options: TokenSettings.options() + DivergenceHinge.options + [ratio],
        proof: .reversals(
            "Where few responses are correct, correct against wrong teaches no less than GRPO, all wrong ones alike.", changes: ["warmup.accuracy=0.1"],
            arms: [
                .init("DisCO-b", ["method.id=disco-b"]),
                .init("GRPO", ["method.id=grpo"]),
            ], verdicts: [.atLeast(1, "DisCO-b", of: "GRPO")])
    ) { option in
        .disco(
            "disco-b", TokenSettings(option), contrast: GroupContrast(score(option), temperature: .infinity), hinge: DivergenceHinge(option))
    }

    private static let ratio = MethodOption("ratio", 0, 0...1, isFlag: true, "score responses by their ratios instead of their log-probabilities")
    private static func score(_ option: MethodOptions) -> GroupContrast.Score { option.flag("ratio") ? .ratio : .logLikelihood }
}
