extension Method {
    /// PPO-max (Zheng et al., 2023, "Secrets of RLHF I"; S117): PPO with what the paper found to keep it stable: clipped policy and value losses,
    /// advantages that are normalised and limited, and rewards divided by their running deviation. The last is a setting of the run
    /// (`reward.normalize: true`), since it belongs to all of a learner's data.
    ///
    /// The paper's penalty towards a reference policy and its pre-trained critic belong to language models and are not part of it. Staleness
    /// class C, as PPO.
    public static func ppoMax(
        _ settings: ProximalSettings = ProximalSettings(), clip: ProximalClip = ProximalClip(dualClip: 3), valueClip: Float = 0.2,
        advantageLimit: Float = 3
    ) -> Method {
        var method = Method("ppo-max", settings, objective: clip, valueClip: valueClip)
        method.advantageLimit = advantageLimit
        return method
    }
}

extension MethodEntry {
    static let ppoMax = MethodEntry(
        id: "ppo-max", kind: "actor–critic", summary: "PPO with everything limited: policy, value and advantages (use reward.normalize)",
        paper: "Zheng et al. 2023, arXiv:2307.04964", paperID: "S117",
        options: ProximalSettings.options() + [
            ProximalSettings.anchorOption,
            MethodOption("clip", 0.2, 0...1, "ε: how far the ratio π/π_prox may move before its gradient is cut"),
            MethodOption("dual_clip", 3, 0...(.infinity), "largest ratio that a step with negative advantage is held against; 0: no limit"),
            MethodOption("value_clip", 0.2, 0...(.infinity), "how far V may move from its old value before its gradient is cut; 0: no limit"),
            MethodOption("advantage_limit", 3, 0...(.infinity), "largest normalised advantage; 0: no limit"),
        ],
        proof: Proof(
            claim: "Rewards a hundred times as large make PPO collapse and leave PPO-max as it was.",
            run: "cartpole", changes: ["stop.frames=200000", "optimizer.learning_rate=0.001"],
            // Rewards that are divided by their deviation are the same whatever their scale; reward.scale would count after that.
            arms: [
                .init("PPO-max, rewards × 100", ["method.id=ppo-max", "reward.normalize=true"]),
                .init("PPO, rewards × 100", ["method.id=ppo", "reward.scale=100"]),
            ],
            measure: .finalReturn,
            verdicts: [.better("PPO-max, rewards × 100", than: "PPO, rewards × 100")])
    ) { option in
        Method.ppoMax(
            ProximalSettings(anchored: option),
            clip: ProximalClip(
                epsilonLow: option("clip"), epsilonHigh: option("clip"), dualClip: option.unlessZero("dual_clip") ?? .infinity),
            valueClip: option.unlessZero("value_clip") ?? .infinity, advantageLimit: option.unlessZero("advantage_limit") ?? .infinity)
    }
}
