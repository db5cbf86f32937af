import Rollouts

extension TokenMethod {
    /// Shared-prefix forward (PrefixGrouper; S038): GRPO whose prompts are computed once for all responses of a group. The loss, all gradients
    /// and all log-probabilities are those of GRPO that repeats the prompt, up to rounding; every method of Apus does so
    /// (`sharesPrompts`). As a method of its own it can be switched off, to see what it saves.
    ///
    /// Staleness class C, as GRPO.
    public static func prefixGrouper(
        _ settings: TokenSettings = TokenSettings(), clip: TokenClip = TokenClip(), sharesPrompts: Bool = true
    ) -> TokenMethod {
        var method = TokenMethod(
            "prefix-grouper", settings, stages: [GroupRelative()], terms: [clip], aggregate: .sequenceMeanTokenMean)
        method.sharesPrompts = sharesPrompts
        return method
    }
}

extension MethodEntry {
    static let prefixGrouper = MethodEntry(
        token: "prefix-grouper", summary: "GRPO that computes a group's prompt once", paper: "Liu et al. 2025, arXiv:2506.05433", paperID: "S038",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [
            MethodOption("share_prompts", 1, 0...1, isFlag: true, "compute a group's prompt once instead of once per response")
        ],
        proof: .reversals(
            "Computing a group's prompt once changes nothing that is learned.",
            arms: [
                .init("shared", ["method.id=prefix-grouper"]),
                .init("repeated", ["method.id=prefix-grouper", "method.options.share_prompts=0"]),
            ], verdicts: [.atLeast(0.97, "shared", of: "repeated")])
    ) { option in
        .prefixGrouper(TokenSettings(option), clip: TokenClip(option), sharesPrompts: option.flag("share_prompts"))
    }
}
