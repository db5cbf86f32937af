extension Method {
    /// Truncated or masked importance sampling (B10): a policy gradient, or PPO's clipped surrogate, times a constant weight from π_prox / μ of the
    /// step or its sequence, where π_prox is the policy at the start of the update; see `TruncatedImportance` and `MaskedImportance`.
    ///
    /// Staleness class C: the weights correct the actions, the learner bounds the lag.
    public static func tis(
        _ settings: ProximalSettings = ProximalSettings(epochs: 1, minibatches: 1), correction: any Correction = TruncatedImportance(),
        objective: any Objective = PolicyGradient()
    ) -> Method { Method("tis", settings, maxLag: 32, correction: correction, objective: objective) }
}

extension MethodEntry {
    static let tis = MethodEntry(
        id: "tis", kind: "actor–critic", summary: "policy gradient or PPO with truncated or masked importance weights",
        paper: "Yao et al. 2025, \"Your efficient RL framework secretly brings you off-policy RL training\"", paperID: "B10",
        options: ProximalSettings.options(epochs: 1, minibatches: 1) + [
            MethodOption("level", 0, 0...2, isWhole: true, "0 each step's ratio, 1 the product over its sequence, 2 its geometric mean"),
            MethodOption("cap", 2, 0...(.infinity), "the largest weight"),
            MethodOption("mask", 0, 0...1, isFlag: true, "1 to leave out what lies outside of floor to cap, 0 to truncate at the cap"),
            MethodOption("floor", 0, 0...(.infinity), "with mask: the least weight"),
            MethodOption("veto", 0, 0...1, "sequences with a step whose ratio is below this are left out; 0: none"),
            MethodOption("self_normalize", 0, 0...1, isFlag: true, "1 to divide the weights by their mean"),
            MethodOption("clip", 0, 0...1, "ε of PPO's clip; 0: a plain policy gradient"),
        ],
        proof: Proof(
            claim: "Truncated importance weights keep a policy gradient from collapsing on data that is 16 updates old.",
            run: "cartpole", changes: ["stop.frames=300000", "optimizer.learning_rate=0.004"],
            arms: [
                .init("TIS, lag 16", ["method.id=tis"], lag: 16),
                .init("no weights, lag 16", ["method.id=a2c", "method.options.lambda=0.95", "method.options.normalize_advantages=1"], lag: 16),
            ],
            measure: .finalReturn,
            verdicts: [.better("TIS, lag 16", than: "no weights, lag 16")])
    ) { option in
        let level = ImportanceLevel(rawValue: option.count("level"))!
        let (cap, veto, normalizes) = (option("cap"), option("veto"), option.flag("self_normalize"))
        let correction: any Correction =
            option.flag("mask")
            ? MaskedImportance(level: level, low: min(option("floor"), cap), high: cap, veto: veto, selfNormalizes: normalizes)
            : TruncatedImportance(level: level, cap: cap, veto: veto, selfNormalizes: normalizes)
        let clip = option.unlessZero("clip")
        return Method.tis(
            ProximalSettings(option), correction: correction,
            objective: clip.map { ProximalClip(epsilonLow: $0, epsilonHigh: $0) } ?? PolicyGradient())
    }
}
