import Rollouts

/// The proximal clip with limits that are searched anew for every gradient step, over all its tokens, so that those with positive advantage
/// make up at least a given share (Xi et al., 2025; S072): see `BalancedClip`, which says how, and why the share is measured by the
/// gradient unless the run asks for the paper's measure by value. The limits are constants.
public struct BalancedTokenClip: TokenTerm {
    public var search: BalancedClip
    public let name = "policy_loss"

    public init(_ search: BalancedClip = BalancedClip()) { self.search = search }

    public var seesWholeStep: Bool { true }
    public func slope(_ step: TokenStep) -> TokenSlope { clip(limits(step)).slope(step) }

    public func metrics(_ step: TokenStep) -> [Metric] {
        let found = limits(step)
        return clip(found).metrics(step) + [("clip_low", found.low), ("clip_high", found.high), ("positive_share", found.share)]
    }

    private func clip(_ found: (low: Float, high: Float, share: Float)) -> TokenClip {
        TokenClip(low: 1 - found.low, high: found.high - 1, dual: search.dualClip)
    }

    /// The limits that the search ends at, and the share of positive tokens under them.
    public func limits(_ step: TokenStep) -> (low: Float, high: Float, share: Float) {
        let counting = (0..<step.count).filter { step.mask[$0] > 0 }
        return search.limits(
            ratio: counting.map { step.ratio($0) }, advantage: counting.map { step.advantage[$0] },
            probability: search.weighsByProbability ? counting.map { exponential(max(step.behaviour[$0], -80)) } : nil)
    }
}

extension TokenMethod {
    /// Balanced policy optimisation with adaptive clipping (Xi et al., 2025; S072) for tokens: GRPO's advantages, `BalancedTokenClip`, a mean
    /// over all tokens. The upper limit moves first; the released code moves the lower one first and measures by value, and then the lower
    /// limit simply runs to its end.
    ///
    /// Staleness class C.
    public static func bapoTokens(_ settings: TokenSettings = TokenSettings(), search: BalancedClip = BalancedClip()) -> TokenMethod {
        TokenMethod("bapo-tokens", settings, stages: [GroupRelative()], terms: [BalancedTokenClip(search)], aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let bapoTokens = MethodEntry(
        token: "bapo-tokens", summary: "a clip that adapts until positive advantages have their share of the gradient",
        paper: "Xi et al. 2025, arXiv:2510.18927", paperID: "S072",
        options: TokenSettings.options() + [
            MethodOption("low_from", 0.6, 0...1, "where the search for the lower limit begins"),
            MethodOption("low_to", 0.9, 0...1, "the largest lower limit"),
            MethodOption("high_from", 1.2, 1...(.infinity), "where the search for the upper limit begins"),
            MethodOption("high_to", 3, 1...(.infinity), "the largest upper limit"),
            MethodOption("share", 0.4, 0...1, "the least share of tokens with positive advantage in the gradient"),
            MethodOption("dual_clip", 3, 1...(.infinity), "c: the loss of a negative advantage is at most c · |A|"),
            MethodOption("by_value", 0, 0...1, isFlag: true, "1 to measure the share by the loss, as in the paper, 0 by the gradient"),
            MethodOption("by_probability", 0, 0...1, isFlag: true, "1 to count tokens in proportion to μ, as in the paper"),
        ],
        proof: .reversals(
            "A clip that adapts keeps the entropy up with eight passes over data of lag 4.",
            arms: [
                .init("BAPO", ["method.id=bapo-tokens", "method.options.epochs=8"], lag: 4),
                .init("GRPO", ["method.id=grpo", "method.options.epochs=8"], lag: 4),
            ], measure: .metric("entropy"), verdicts: [.better("BAPO", than: "GRPO")])
    ) { option in
        var search = BalancedClip()
        (search.lowFrom, search.lowTo) = (option("low_from"), option("low_to"))
        (search.highFrom, search.highTo) = (option("high_from"), option("high_to"))
        (search.share, search.dualClip) = (option("share"), option("dual_clip"))
        (search.measuresValue, search.weighsByProbability) = (option.flag("by_value"), option.flag("by_probability"))
        return .bapoTokens(TokenSettings(option), search: search)
    }
}
