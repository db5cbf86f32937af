import Rollouts

extension TokenMethod {
    /// Lite PPO (Liu et al., 2025, "Tricks or traps?"; S197): rewards less the group's mean, divided by the deviation of all rewards of the batch, the
    /// proximal clip per token and a token mean – two tricks, and nothing else.
    ///
    /// A group's own deviation makes large advantages of nearly equal rewards; the batch's does not. Per token. Staleness class C.
    public static func litePPO(_ settings: TokenSettings = TokenSettings(), clip: TokenClip = TokenClip()) -> TokenMethod {
        TokenMethod("lite-ppo", settings, stages: [GroupRelative(.batch)], terms: [clip], aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let litePPO = MethodEntry(
        token: "lite-ppo", summary: "group mean, batch deviation, token mean", paper: "Liu et al. 2025, arXiv:2508.08221", paperID: "S197",
        options: TokenSettings.options() + TokenSettings.clipOptions(),
        proof: .reversals(
            "Where most responses are correct, the deviation of the batch teaches no less than that of the group.", changes: ["warmup.accuracy=0.6"],
            arms: [
                .init("Lite PPO", ["method.id=lite-ppo"]),
                .init("GRPO", ["method.id=grpo"]),
            ], verdicts: [.atLeast(1, "Lite PPO", of: "GRPO")])
    ) { option in .litePPO(TokenSettings(option), clip: TokenClip(option)) }
}
