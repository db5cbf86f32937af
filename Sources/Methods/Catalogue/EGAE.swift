extension Method {
    /// PPO with extended GAE (ByteDance, 2025, T-PPO; S037): where an unroll cuts an episode, the value behind the cut is taken to be that of the
    /// last step; see `egae`.
    ///
    /// Staleness class C, as PPO.
    public static func egae(
        _ settings: ProximalSettings = ProximalSettings(), clip: ProximalClip = ProximalClip()
    ) -> Method { Method("egae", settings, credit: EGAE(lambda: settings.lambda), objective: clip) }
}

extension MethodEntry {
    static let egae = MethodEntry(
        id: "egae", kind: "actor–critic", summary: "PPO for unfinished sequences: no value is needed behind the cut (T-PPO)",
        paper: "Fan et al. 2025, arXiv:2506.15050", paperID: "S037",
        options: ProximalSettings.options() + [
            ProximalSettings.anchorOption,
            MethodOption("clip", 0.2, 0...1, "ε below 1: how far the ratio may fall before its gradient is cut"),
            MethodOption("clip_high", 0.2, 0...(.infinity), "ε above 1: how far the ratio may rise before its gradient is cut"),
        ],
        proof: Proof(
            claim: "Unrolls of 8 steps without a value behind the cut cost less than a tenth of PPO's return.",
            run: "cartpole", changes: ["stop.frames=300000", "actors.unroll=8"],
            arms: [
                .init("EGAE", ["method.id=egae"]),
                .init("GAE", ["method.id=ppo"]),
            ],
            measure: .meanReturn,
            verdicts: [.atLeast(0.9, "EGAE", of: "GAE")])
    ) { option in
        Method.egae(ProximalSettings(anchored: option), clip: ProximalClip(epsilonLow: option("clip"), epsilonHigh: option("clip_high")))
    }
}
