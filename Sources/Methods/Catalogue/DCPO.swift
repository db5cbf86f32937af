extension Method {
    /// Dynamic clipping policy optimisation (Yang et al., 2025; S066): PPO with limits that leave improbable actions more room; see
    /// `DynamicClip`. The paper's smooth standardisation of advantages needs groups of rollouts of one task and is not part of it.
    ///
    /// Staleness class C, as PPO.
    public static func dcpo(_ settings: ProximalSettings = ProximalSettings(), clip: DynamicClip = DynamicClip()) -> Method {
        Method("dcpo", settings, objective: clip)
    }
}

extension MethodEntry {
    static let dcpo = MethodEntry(
        id: "dcpo", kind: "actor–critic", summary: "PPO whose clip leaves improbable actions more room",
        paper: "Yang et al. 2025, arXiv:2509.02333", paperID: "S066",
        options: ProximalSettings.options() + [
            ProximalSettings.anchorOption,
            MethodOption("clip", 0.16, 0...1, "ε below 1: how far π(a | o) may fall, in units of probability"),
            MethodOption("clip_high", 0.2, 0...(.infinity), "ε above 1: how far π(a | o) may rise, in units of probability"),
            MethodOption("cap", 10, 1...(.infinity), "the largest upper limit of the ratio"),
            .dualClip,
        ],
        proof: Proof(
            claim: "Limits that depend on the probability clip far fewer steps than PPO's over eight epochs on each batch.",
            run: "cartpole",
            changes: ["stop.frames=200000", "optimizer.learning_rate=0.001", "optimizer.schedule=constant", "method.options.epochs=8"],
            arms: [
                .init("DCPO", ["method.id=dcpo"]),
                .init("PPO", ["method.id=ppo"]),
            ],
            measure: .metric("clip_fraction"),
            verdicts: [.below(0.67, "DCPO", of: "PPO")])
    ) { option in
        Method.dcpo(
            ProximalSettings(anchored: option),
            clip: DynamicClip(
                epsilonLow: option("clip"), epsilonHigh: option("clip_high"), cap: option("cap"),
                dualClip: option.unlessZero("dual_clip") ?? .infinity))
    }
}
