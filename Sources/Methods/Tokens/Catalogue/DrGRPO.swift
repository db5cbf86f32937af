import Rollouts

extension TokenMethod {
    /// GRPO done right (Liu et al., 2025, Dr. GRPO; B06): A = R − mean of the group, without its deviation, and losses summed over tokens and
    /// divided by responses · L for a constant L. Neither easy and hard tasks nor short and long responses weigh differently.
    ///
    /// L is a number of the run, never the padded length of a batch: that divisor, a default in public code, changes from batch to batch.
    /// Per token. Staleness class C.
    public static func drGRPO(
        _ settings: TokenSettings = TokenSettings(), length: Float = 64, clip: TokenClip = TokenClip()
    ) -> TokenMethod {
        TokenMethod("dr-grpo", settings, stages: [GroupRelative(.none)], terms: [clip], aggregate: .constantLength(length))
    }
}

extension MethodOption {
    /// The papers' are 1000 to 3000, the longest response of their runs.
    static let constantLength = MethodOption(
        "length", 64, 1...(.infinity), "L: losses are divided by responses · L; about the longest response that the run allows")
}

extension MethodEntry {
    static let drGRPO = MethodEntry(
        token: "dr-grpo", summary: "GRPO without the deviation of the group and without the length of a response",
        paper: "Liu et al. 2025, arXiv:2503.20783", paperID: "B06",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [.constantLength],
        proof: .chains(
            "Without dividing by the length of a response, responses do not grow, and as many are correct.",
            arms: [
                .init("Dr. GRPO", ["method.id=dr-grpo", "method.options.length=24"]),
                .init("GRPO", ["method.id=grpo"]),
            ], measure: .metric("response_length"), verdicts: [.below(1, "Dr. GRPO", of: "GRPO")])
    ) { option in .drGRPO(TokenSettings(option), length: option("length"), clip: TokenClip(option)) }
}
