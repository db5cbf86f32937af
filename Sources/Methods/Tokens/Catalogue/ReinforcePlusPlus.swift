import Rollouts

extension TokenMethod {
    /// REINFORCE++ (Hu, 2025; B01): rewards to go – with the divergence from the reference as a reward of every token – whitened over all tokens
    /// of the batch, and the proximal clip per token with a token mean. In its baseline form the group's mean is subtracted first.
    ///
    /// The whitening's deviation is the sample's over tokens, so long responses weigh more in it. Per token. Staleness class C.
    public static func reinforcePlusPlus(
        _ settings: TokenSettings = TokenSettings(), discount: Float = 1, subtractsMean: Bool = false, clip: TokenClip = TokenClip(),
        shaping: [any TokenStage] = []
    ) -> TokenMethod {
        var method = TokenMethod(
            "reinforce-plus-plus", settings,
            stages: shaping + [subtractsMean ? GroupRelative(.none) : TokenReturns(discount: discount), Whitening()], terms: [clip],
            aggregate: .tokenMean)
        method.discount = subtractsMean ? 1 : discount
        return method
    }
}

extension MethodEntry {
    static let reinforcePlusPlus = MethodEntry(
        token: "reinforce-plus-plus", summary: "rewards whitened over the whole batch, proximal clip per token",
        paper: "Hu 2025, arXiv:2501.03262", paperID: "B01",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [
            MethodOption("mean", 0, 0...1, isFlag: true, "subtract the mean reward of the group before whitening"),
            MethodOption("discount", 1, 0...1, "γ, where no mean is subtracted"), ReferencePenalty.option,
        ],
        proof: .reversals(
            "Rewards whitened over the batch teach more than rewards alone.",
            arms: [
                .init("REINFORCE++", ["method.id=reinforce-plus-plus"]),
                .init("REINFORCE", ["method.id=reinforce-tokens", "method.options.mean=0"]),
            ], verdicts: [.better("REINFORCE++", than: "REINFORCE")])
    ) { option in
        .reinforcePlusPlus(
            TokenSettings(option), discount: option("discount"), subtractsMean: option.flag("mean"), clip: TokenClip(option),
            shaping: ReferencePenalty.stages(option, perToken: !option.flag("mean")))
    }
}
