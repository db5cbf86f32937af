import Rollouts

extension TokenMethod {
    /// REINFORCE for token policies (Williams, 1992; B01): −A · lp with A = R, or R less the mean of its group, summed over a response's tokens
    /// and averaged over responses – the aggregation that is unbiased. With the group's mean the expected gradient is (1 − 1/G) of the
    /// exact one, because each response is a part of its own baseline; RLOO has no such factor.
    ///
    /// Per sequence; the advantage is constant. Staleness class C: there is no correction.
    public static func reinforceTokens(
        _ settings: TokenSettings = TokenSettings(), discount: Float = 1, subtractsMean: Bool = true, shaping: [any TokenStage] = []
    ) -> TokenMethod {
        var method = TokenMethod(
            "reinforce-tokens", settings, stages: shaping + [subtractsMean ? GroupRelative(.none) : TokenReturns(discount: discount)],
            terms: [TokenPolicyGradient()], aggregate: .sequenceMeanTokenSum)
        method.discount = subtractsMean ? 1 : discount
        return method
    }
}

extension MethodEntry {
    static let reinforceTokens = MethodEntry(
        token: "reinforce-tokens", summary: "policy gradient of whole responses", paper: "Williams 1992, Machine Learning 8", paperID: "B01",
        options: TokenSettings.options() + [
            MethodOption("mean", 1, 0...1, isFlag: true, "subtract the mean reward of the group"),
            MethodOption("discount", 1, 0...1, "γ, where no mean is subtracted"), ReferencePenalty.option,
        ],
        proof: .reversals(
            "The mean reward as a baseline teaches more than none.",
            arms: [
                .init("mean", ["method.id=reinforce-tokens", "method.options.mean=1"]),
                .init("none", ["method.id=reinforce-tokens", "method.options.mean=0"]),
            ], verdicts: [.better("mean", than: "none")])
    ) { option in
        .reinforceTokens(
            TokenSettings(option), discount: option("discount"), subtractsMean: option.flag("mean"),
            shaping: ReferencePenalty.stages(option, perToken: !option.flag("mean")))
    }
}
