extension Method {
    /// Clipped importance-sampling policy optimisation (MiniMax, 2025, MiniMax-M1; B08): PPO with a policy gradient whose weight π / π_prox is
    /// clipped, so that no step loses its gradient; see `ClippedImportance`. The weight is not bounded below, as published; the upper limit
    /// is ScaleRL's, since the paper does not tell its own.
    ///
    /// Staleness class C, as PPO.
    public static func cispo(
        _ settings: ProximalSettings = ProximalSettings(), clip: ClippedImportance = ClippedImportance()
    ) -> Method { Method("cispo", settings, objective: clip) }
}

extension MethodEntry {
    static let cispo = MethodEntry(
        id: "cispo", kind: "actor–critic", summary: "policy gradient over several epochs, weighted by a clipped ratio: no step is dropped",
        paper: "MiniMax 2025, arXiv:2506.13585", paperID: "B08",
        options: ProximalSettings.options() + [
            ProximalSettings.anchorOption,
            MethodOption("weight_low", 0, 0...1, "the least weight of a step"),
            MethodOption("weight_high", 5, 1...(.infinity), "the largest weight of a step"),
        ],
        proof: Proof(
            claim: "No step loses its gradient, so that eight epochs on each batch teach more than with PPO's clip.",
            run: "cartpole", changes: ["stop.frames=200000", "optimizer.learning_rate=0.0003", "method.options.epochs=8"],
            arms: [
                .init("CISPO", ["method.id=cispo"]),
                .init("PPO", ["method.id=ppo"]),
            ],
            measure: .meanReturn,
            verdicts: [.better("CISPO", than: "PPO")])
    ) { option in
        Method.cispo(ProximalSettings(anchored: option), clip: ClippedImportance(low: option("weight_low"), high: option("weight_high")))
    }
}
