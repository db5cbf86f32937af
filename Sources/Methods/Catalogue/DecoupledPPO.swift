extension Method {
    /// Decoupled PPO (Hilton et al., 2022; Fu et al., 2025, AReaL; B09), per step:
    ///
    ///     w · max(−r A, −clip(r, 1 − ε, 1 + ε) A),   r = π / π_prox,   w = π_prox / μ
    ///
    /// π_prox is the policy at the start of the update, so that the clip measures the update and w the age of the data. w is a constant,
    /// truncated at a cap or set to 0 beyond it. With μ = π_prox it is PPO; in an update of one gradient step, r = 1 and it is a weighted
    /// policy gradient.
    ///
    /// Staleness class C: w corrects the action that was taken, not the states that were visited.
    public static func decoupledPPO(
        _ settings: ProximalSettings = ProximalSettings(), clip: ProximalClip = ProximalClip(),
        correction: any Correction = TruncatedImportance(cap: 5)
    ) -> Method { Method("decoupled-ppo", settings, maxLag: 16, correction: correction, objective: clip) }
}

extension MethodEntry {
    static let decoupledPPO = MethodEntry(
        id: "decoupled-ppo", kind: "actor–critic", summary: "PPO that clips against its own start and weighs the age of the data apart",
        paper: "Hilton et al. 2022, arXiv:2110.00641; Fu et al. 2025, arXiv:2505.24298", paperID: "B09",
        options: ProximalSettings.options() + [
            MethodOption("clip", 0.2, 0...1, "ε: how far the ratio π/π_prox may move before its gradient is cut"),
            MethodOption("cap", 5, 1...(.infinity), "the largest weight π_prox/μ"),
            MethodOption("mask", 0, 0...1, isFlag: true, "1 to leave out steps beyond the cap, 0 to truncate their weight"),
        ],
        proof: Proof(
            claim: "Decoupled PPO keeps its return up to a lag of 8 updates; PPO falls behind, uncorrected or clipped against μ.",
            run: "cartpole", changes: ["stop.frames=300000", "optimizer.learning_rate=0.001"],
            arms: [
                .init("decoupled, lag 0", ["method.id=decoupled-ppo"]),
                .init("decoupled, lag 8", ["method.id=decoupled-ppo"], lag: 8),
                .init("PPO, lag 8", ["method.id=ppo"], lag: 8),
                .init("PPO against μ, lag 8", ["method.id=ppo", "method.options.behaviour_anchor=1"], lag: 8),
            ],
            measure: .finalReturn,
            verdicts: [
                .atLeast(0.9, "decoupled, lag 8", of: "decoupled, lag 0"),
                .better("decoupled, lag 8", than: "PPO, lag 8"),
                .better("decoupled, lag 8", than: "PPO against μ, lag 8"),
            ])
    ) { option in
        let cap = option("cap")
        return Method.decoupledPPO(
            ProximalSettings(option), clip: ProximalClip(epsilonLow: option("clip"), epsilonHigh: option("clip")),
            correction: option.flag("mask") ? MaskedImportance(high: cap) : TruncatedImportance(cap: cap))
    }
}
