import Rollouts

/// Rewards that are smaller for what the old policy found likelier (S201): R ← R (1 − β rank / G) in each group, rank 0 … G − 1 by the mean lo
/// over a response's tokens, 0 the least likely; equals keep their order.
public struct UnlikelinessReward: TokenStage {
    /// β
    public var strength: Float

    public init(_ strength: Float = 0.25) { self.strength = strength }

    public func apply(_ work: inout TokenWork) {
        for group in work.batch.groups.indices {
            let judged = work.batch.judged(group)
            let likelihoods = judged.map { work.sum(work.proximal, $0) / max(work.length($0), 1) }
            let order = judged.indices.sorted { (likelihoods[$0], $0) < (likelihoods[$1], $1) }
            for (rank, place) in order.enumerated() { work.reward[judged[place]] *= 1 - strength * Float(rank) / Float(judged.count) }
        }
    }
}

extension TokenMethod {
    /// Rewarding the unlikely (He et al., 2025; S201): GRPO on rewards that are ranked by likelihood (`UnlikelinessReward`), so that rare correct
    /// answers are not lost; two passes over a batch, which also push rare ones, since the clip stops the likely ones first; β · k3. Wrong
    /// responses must earn 0. Groups that are all correct have advantages here.
    ///
    /// Staleness class C, as GRPO.
    public static func unlikeliness(
        _ settings: TokenSettings, reward: UnlikelinessReward = UnlikelinessReward(), clip: TokenClip = TokenClip(), beta: Float = 0.1
    ) -> TokenMethod {
        TokenMethod(
            "unlikeliness", settings, stages: [reward, GroupRelative()], terms: [clip] + (beta > 0 ? [ReferenceDivergence(beta)] : []),
            aggregate: .sequenceMeanTokenMean)
    }
}

extension MethodEntry {
    static let unlikeliness = MethodEntry(
        token: "unlikeliness", summary: "GRPO that rewards correct answers more the less likely they were",
        paper: "He et al. 2025, arXiv:2506.02355", paperID: "S201",
        options: TokenSettings.options(responses: 32, epochs: 2) + TokenSettings.clipOptions() + [
            MethodOption("unlikeliness", 0.25, 0...1, "how much of the reward the likeliest response of a group loses"),
            MethodOption("beta", 0.1, 0...10, "the coefficient of the divergence from the reference policy"),
        ],
        proof: .answers(
            "Rewarding the unlikely keeps more different answers alive.",
            arms: [
                .init("unlikeliness", ["method.id=unlikeliness", "method.options.responses=8", "method.options.beta=0"]),
                .init("GRPO", ["method.id=grpo", "method.options.epochs=2"]),
            ], measure: .metric("entropy"), verdicts: [.better("unlikeliness", than: "GRPO")])
    ) { option in
        .unlikeliness(
            TokenSettings(option), reward: UnlikelinessReward(option("unlikeliness")), clip: TokenClip(option), beta: option("beta"))
    }
}
