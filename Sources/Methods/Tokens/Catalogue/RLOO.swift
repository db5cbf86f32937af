import Rollouts

/// Advantages over the mean of the others (Kool et al., 2019; Ahmadian et al., 2024; B01): A_i = R_i − mean_{j ≠ i} R_j = G/(G − 1) · (R_i − mean).
/// Of a group of one, A = R.
public struct LeaveOneOut: TokenStage {
    public init() {}

    public func apply(_ work: inout TokenWork) {
        for group in work.batch.groups.indices {
            let judged = work.batch.judged(group)
            let sum = judged.reduce(0.0) { $0 + Double(work.reward[$1]) }
            for response in judged {
                let reward = Double(work.reward[response])
                let others = judged.count > 1 ? (sum - reward) / Double(judged.count - 1) : 0
                work.setAdvantage(Float(reward - others), of: response)
            }
        }
    }
}

extension TokenMethod {
    /// REINFORCE with a leave-one-out baseline (Ahmadian et al., 2024; B01): `LeaveOneOut` and −A · lp, summed over a response's tokens and
    /// averaged over responses. The baseline does not depend on the response, so the gradient is that of the expected reward.
    ///
    /// Per sequence. Staleness class C: there is no correction.
    public static func rloo(_ settings: TokenSettings = TokenSettings(), shaping: [any TokenStage] = []) -> TokenMethod {
        TokenMethod(
            "rloo", settings, stages: shaping + [LeaveOneOut()], terms: [TokenPolicyGradient()], aggregate: .sequenceMeanTokenSum)
    }
}

extension MethodEntry {
    static let rloo = MethodEntry(
        token: "rloo", summary: "policy gradient against the mean of a group's other responses", paper: "Ahmadian et al. 2024, arXiv:2402.14740",
        paperID: "B01", options: TokenSettings.options(responses: 4) + [ReferencePenalty.option],
        proof: .reversals(
            "Leaving a response out of its own baseline teaches more than no baseline.",
            arms: [
                .init("RLOO", ["method.id=rloo", "method.options.responses=8"]),
                .init("REINFORCE", ["method.id=reinforce-tokens", "method.options.mean=0"]),
            ], verdicts: [.better("RLOO", than: "REINFORCE")])
    ) { option in .rloo(TokenSettings(option), shaping: ReferencePenalty.stages(option)) }
}
