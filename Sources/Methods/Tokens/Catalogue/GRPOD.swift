import Rollouts

/// β over a run (GRPO-D; S039): from the middle of `low` and `high` down to `low` in the first share of the run, then up to `high`.
public struct DivergenceSchedule: Sendable, Hashable {
    public var low: Float
    public var high: Float
    /// w / t: the share of the run that explores.
    public var exploring: Double

    public init(low: Float = 0, high: Float = 0.02, exploring: Double = 0.3) {
        self.low = low
        self.high = high
        self.exploring = exploring
    }

    public func callAsFunction(_ progress: Double) -> Float {
        let middle = (low + high) / 2
        if progress < exploring { return middle - (middle - low) * Float(progress / exploring) }
        return exploring < 1 ? low + (high - low) * Float((progress - exploring) / (1 - exploring)) : low
    }
}

extension TokenMethod {
    /// GRPO with a dynamic divergence (Liu et al., 2025, OThink-MR1; S039): GRPO whose β follows `DivergenceSchedule`: little at the end of the
    /// exploration, more towards the end of the run. The printed formula, which first falls from the middle, is followed, not the text, in
    /// which β only grows.
    ///
    /// Its reward for the format is the environment's affair. Per token. Staleness class C.
    public static func grpoD(
        _ settings: TokenSettings = TokenSettings(), schedule: DivergenceSchedule = DivergenceSchedule(), clip: TokenClip = TokenClip()
    ) -> TokenMethod {
        TokenMethod(
            "grpo-d", settings, stages: [GroupRelative()], terms: [clip, ReferenceDivergence { schedule($0) }],
            aggregate: .sequenceMeanTokenMean)
    }
}

extension MethodEntry {
    static let grpoD = MethodEntry(
        token: "grpo-d", summary: "GRPO whose divergence from the reference is scheduled: first explore, then hold",
        paper: "Liu et al. 2025, arXiv:2503.16081", paperID: "S039",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [
            MethodOption("beta_low", 0, 0...10, "β at the end of the exploration"),
            MethodOption("beta_high", 0.02, 0...10, "β at the end of the run"),
            MethodOption("exploring", 0.3, 0...1, "the share of the run in which β falls"),
        ],
        proof: .reversals(
            "A divergence that is scheduled teaches more than a constant one.",
            arms: [
                .init("scheduled", ["method.id=grpo-d"]),
                .init("constant", ["method.id=grpo", "method.options.beta=0.04"]),
            ], verdicts: [.better("scheduled", than: "constant")])
    ) { option in
        .grpoD(
            TokenSettings(option),
            schedule: DivergenceSchedule(low: option("beta_low"), high: option("beta_high"), exploring: Double(option("exploring"))),
            clip: TokenClip(option))
    }
}
