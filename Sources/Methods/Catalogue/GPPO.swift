extension Method {
    /// Gradient-preserving clipping (Su et al., 2025, Klear-Reasoner; S073): PPO whose clipped steps keep a bounded gradient; see
    /// `GradientPreservingClip`. The paper's extra term on correct responses belongs to verified answers and is not part of it.
    ///
    /// Steps with negative advantage are pushed down however rare they have become: learning rates that PPO's clip forgives make it collapse.
    /// Staleness class C, as PPO, and only for young data.
    public static func gppo(
        _ settings: ProximalSettings = ProximalSettings(), clip: GradientPreservingClip = GradientPreservingClip()
    ) -> Method { Method("gppo", settings, objective: clip) }
}

extension MethodEntry {
    static let gppo = MethodEntry(
        id: "gppo", kind: "actor–critic", summary: "PPO whose clipped steps keep the gradient of their limit",
        paper: "Su et al. 2025, arXiv:2508.07629", paperID: "S073",
        options: ProximalSettings.options() + [
            ProximalSettings.anchorOption,
            MethodOption("clip", 0.2, 0...1, "ε below 1: the least weight of a step with negative advantage is 1 − ε"),
            MethodOption("clip_high", 0.28, 0...(.infinity), "ε above 1: the largest weight of a step with positive advantage is 1 + ε"),
            .dualClip,
        ],
        proof: Proof(
            claim: "Clipped steps that keep their gradient make eight epochs on each batch teach more than PPO's clip.",
            run: "cartpole",
            changes: ["stop.frames=200000", "optimizer.learning_rate=0.0003", "method.options.epochs=8", "method.options.clip_high=0.28"],
            arms: [
                .init("GPPO", ["method.id=gppo"]),
                .init("PPO", ["method.id=ppo"]),
            ],
            measure: .meanReturn,
            verdicts: [.better("GPPO", than: "PPO")])
    ) { option in
        Method.gppo(
            ProximalSettings(anchored: option),
            clip: GradientPreservingClip(
                epsilonLow: option("clip"), epsilonHigh: option("clip_high"), dualClip: option.unlessZero("dual_clip") ?? .infinity))
    }
}
