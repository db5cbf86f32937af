import Rollouts

/// Values are fitted only to responses that have ended, over all their drawn tokens, those of earlier rollouts too: no target is bootstrapped
/// from a cut (S037).
public struct FinishedValues: TokenStage {
    public init() {}

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        work.valueMask = [Float](repeating: 0, count: batch.count)
        for group in batch.groups.indices {
            for response in batch.judged(group) { for token in batch.drawn(response) { work.valueMask[token] = 1 } }
        }
    }
}

extension TokenMethod {
    /// Truncated PPO (ByteDance, 2025, T-PPO; S037): every slot draws a window of tokens, and what there is of its response is trained on at once;
    /// what is not finished goes on with the next policy. Advantages by EGAE (`TokenGAE`), which needs no value behind the cut; the proximal
    /// clip on the tokens of this window alone – those before it are masked by `GroupResponse.firstOwnToken` – and `FinishedValues`.
    ///
    /// The paper's two updates are two terms of one loss, each with its own tokens and denominator. Per token. λ and clip are PPO's with
    /// clip-higher, since the paper's are not known for certain. Staleness class C: the ratio is to the policy that drew the token.
    public static func tPPO(
        _ settings: TokenSettings = TokenSettings(), window: Int = 16, critic: TokenCriticSettings = TokenCriticSettings(),
        clip: TokenClip = TokenClip(low: 0.2, high: 0.28)
    ) -> TokenMethod {
        var method = TokenMethod(
            "t-ppo", settings, stages: critic.credit + [FinishedValues()], terms: [clip, critic.fit], aggregate: .tokenMean)
        method.plan.window = window
        method.hasValue = true
        method.discount = critic.discount
        return method
    }
}

extension MethodEntry {
    static let tPPO = MethodEntry(
        token: "t-ppo", summary: "PPO on windows of tokens: no response is waited for", paper: "Fan et al. 2025, arXiv:2506.15050", paperID: "S037",
        options: TokenSettings.options(responses: 1) + TokenSettings.clipOptions(high: 0.28) + TokenCriticSettings.options + [
            MethodOption("window", 16, 1...1_048_576, isWhole: true, "W: tokens that every slot draws between two rollouts")
        ],
        proof: .reversals(
            "Windows of tokens teach as much per token as whole responses.",
            arms: [
                .init("T-PPO", ["method.id=t-ppo", "tokens.groups=64", "method.options.window=4"]),
                .init("PPO", ["method.id=ppo-tokens", "tokens.groups=64"]),
            ], verdicts: [.atLeast(0.95, "T-PPO", of: "PPO")])
    ) { option in
        .tPPO(TokenSettings(option), window: option.count("window"), critic: TokenCriticSettings(option), clip: TokenClip(option))
    }
}
