import Rollouts

extension TokenMethod {
    /// Decoupled reward policy optimisation (Li et al., 2025, DRPO; S070): DisCO in which short correct responses weigh more (`LengthPreference`).
    /// Lengths are compared among correct responses alone, so that no correct response, however long, is pushed away – as a length reward
    /// inside of a group-relative advantage does.
    ///
    /// The log-sum-exp has its true value here; a public implementation has the right gradient under another one. Per group. Staleness class C.
    public static func drpo(
        _ settings: TokenSettings = TokenSettings(), preference: LengthPreference = LengthPreference(lambda: 0.1, longest: 64),
        temperature: Float = 10, hinge: DivergenceHinge = DivergenceHinge()
    ) -> TokenMethod {
        TokenMethod(
            "drpo", settings, stages: [GroupRelative(.none)],
            terms: [GroupContrast(.logLikelihood, temperature: temperature, preference: preference), hinge], aggregate: .sum)
    }
}

extension MethodEntry {
    static let drpo = MethodEntry(
        token: "drpo", summary: "DisCO in which short correct responses weigh more", paper: "Li et al. 2025, arXiv:2510.04474", paperID: "S070",
        options: TokenSettings.options() + DivergenceHinge.options + [
            MethodOption("lambda", 0.1, 1e-3...(.infinity), "λ: the smaller, the more short correct responses weigh"),
            MethodOption("longest", 64, 1...(.infinity), "L_max: the length that λ is measured by; the longest response that the run allows"),
            MethodOption("tau", 10, 1e-3...(.infinity), "τ: how little likelier wrong responses weigh more"),
        ],
        proof: .chains(
            "Weights for short correct responses make them shorter at no cost of accuracy.",
            arms: [
                .init("DRPO", ["method.id=drpo", "method.options.longest=24"]),
                .init("GRPO", ["method.id=grpo"]),
            ], measure: .metric("response_length"), verdicts: [.below(0.8, "DRPO", of: "GRPO")])
    ) { option in
        .drpo(
            TokenSettings(option), preference: LengthPreference(lambda: option("lambda"), longest: option("longest")),
            temperature: option("tau"), hinge: DivergenceHinge(option))
    }
}
