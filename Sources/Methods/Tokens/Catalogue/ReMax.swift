import Rollouts

/// Advantages over the reward of the greedy response to the same task (ReMax; B01): A = R − R_greedy. Where that was not judged there is
/// nothing to compare with: A = 0.
public struct GreedyBaseline: TokenStage {
    public init() {}

    public func apply(_ work: inout TokenWork) {
        for group in work.batch.groups.indices {
            guard let baseline = work.batch.baseline(group) else { continue }
            for response in work.batch.judged(group) { work.setAdvantage(work.reward[response] - work.reward[baseline], of: response) }
        }
    }
}

extension TokenMethod {
    /// ReMax (Li et al., 2023; B01): −A · lp with the reward of one greedy response more as the baseline, summed over a response's tokens and
    /// averaged over responses. The greedy response is drawn by the actors and is never trained on.
    ///
    /// Per sequence. Staleness class C: there is no correction.
    public static func remax(_ settings: TokenSettings = TokenSettings(), shaping: [any TokenStage] = []) -> TokenMethod {
        var method = TokenMethod(
            "remax", settings, stages: shaping + [GreedyBaseline()], terms: [TokenPolicyGradient()], aggregate: .sequenceMeanTokenSum)
        method.plan.greedyBaseline = true
        return method
    }
}

extension MethodEntry {
    static let remax = MethodEntry(
        token: "remax", summary: "policy gradient against the reward of the greedy response", paper: "Li et al. 2023, arXiv:2310.10505",
        paperID: "B01", options: TokenSettings.options(responses: 1) + [ReferencePenalty.option],
        proof: .reversals(
            "The reward of the greedy response is a baseline that teaches more than none.",
            arms: [
                .init("ReMax", ["method.id=remax", "tokens.groups=64"]),
                .init("REINFORCE", ["method.id=reinforce-tokens", "method.options.mean=0", "method.options.responses=1", "tokens.groups=64"]),
            ], verdicts: [.better("ReMax", than: "REINFORCE")])
    ) { option in .remax(TokenSettings(option), shaping: ReferencePenalty.stages(option)) }
}
