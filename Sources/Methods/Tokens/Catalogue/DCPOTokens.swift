import Rollouts

/// Limits of the ratio that are wider for improbable tokens: those of `DynamicClip` with q = π_prox of the token.
public struct DynamicBounds: TokenStage {
    public var clip: DynamicClip

    public init(_ clip: DynamicClip = DynamicClip()) { self.clip = clip }

    public func apply(_ work: inout TokenWork) {
        let limits = work.proximal.map { clip.limits(exponential(min(max($0, -80), 0))) }
        work.lowerBound = limits.map(\.low)
        work.upperBound = limits.map(\.high)
    }
}

/// Smooth standardisation of advantages (DCPO; S066): a group's rewards against their own mean and deviation, and against those of all the
/// task's rewards so far. At the i-th visit
///
///     S_new = (i−1)/i · A_new + 1/i · A_tot,   S_tot = 1/i · A_new + (i−1)/i · A_tot,   A = the one nearer to 0
///
/// so that a task whose rewards are all equal this time still teaches, the less the more often it was seen. Deviations are the sample's; a
/// deviation of 0 gives 0. The first visit is GRPO's.
///
/// Of each task the record holds the mean, the variance (with n), the visits and the number of rewards. Rewards are pooled by their number:
/// with groups of one size this is the published rule, and exactly the variance of all rewards together.
public struct SmoothStandardization: TokenStage {
    static let name = "dcpo"
    public init() {}

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        // A task can come more than once in a batch: its visits follow each other, and are written once.
        var seen: [UInt32: [Float]] = [:]
        for (group, one) in batch.groups.enumerated() {
            let judged = batch.judged(group)
            guard judged.count > 1 else { continue }
            let now = GroupStatistics(judged.map { work.reward[$0] })
            let total = Self.pooled(
                seen[one.task] ?? work.records[one.task, Self.name], GroupStatistics(batch.fresh(group).map { work.reward[$0] }))
            seen[one.task] = total
            let visits = total[2]
            let deviation = visits == 1 ? now.sampleDeviation : (total[1] * total[3] / (total[3] - 1)).squareRoot()
            for response in judged {
                let fresh = (work.reward[response] - now.mean) / (now.sampleDeviation + 1e-6)
                let pooled = (work.reward[response] - total[0]) / (deviation + 1e-6)
                let toFresh = (visits - 1) / visits * fresh + pooled / visits
                let toPooled = fresh / visits + (visits - 1) / visits * pooled
                work.setAdvantage(abs(toFresh) < abs(toPooled) ? toFresh : toPooled, of: response)
            }
        }
        for task in seen.keys.sorted() { work.keep(seen[task]!, of: task, Self.name) }
    }

    /// Mean, variance, visits and number of rewards after one group more.
    public static func pooled(_ old: [Float]?, _ now: GroupStatistics) -> [Float] {
        let count = Float(now.count)
        guard let old, old.count == 4 else { return [now.mean, now.deviation * now.deviation, 1, count] }
        let all = old[3] + count
        let difference = now.mean - old[0]
        return [
            (old[3] * old[0] + count * now.mean) / all,
            (old[3] * old[1] + count * now.deviation * now.deviation + old[3] * count / all * difference * difference) / all,
            old[2] + 1, all,
        ]
    }
}

extension TokenMethod {
    /// Dynamic clipping policy optimisation (Yang et al., 2025; S066): `SmoothStandardization`, the proximal clip within `DynamicBounds` with a dual
    /// clip, and the sum over responses of the mean over their tokens (only-token-mean): it is not divided by the batch, so learning rates
    /// are smaller than GRPO's by the number of responses.
    ///
    /// Public code divides a deviation of the sample by rules for that of the population; here variances are pooled as such. Per token; limits
    /// and advantages are constants. Staleness class C.
    public static func dcpoTokens(_ settings: TokenSettings = TokenSettings(), clip: DynamicClip = DynamicClip()) -> TokenMethod {
        TokenMethod(
            "dcpo-tokens", settings, stages: [SmoothStandardization(), DynamicBounds(clip)], terms: [TokenClip(dual: clip.dualClip)],
            aggregate: .onlyTokenMean)
    }
}

extension MethodEntry {
    static let dcpoTokens = MethodEntry(
        token: "dcpo-tokens", summary: "wider limits for improbable tokens, and advantages against all that is known of a task",
        paper: "Yang et al. 2025, arXiv:2509.02333", paperID: "S066",
        options: TokenSettings.options(responses: 16) + [
            MethodOption("clip_low", 0.16, 0...1, "ε below 1: how far a token's probability may fall"),
            MethodOption("clip_high", 0.2, 0...(.infinity), "ε above 1: how far it may rise"),
            MethodOption("cap", 10, 1...(.infinity), "the largest upper limit of the ratio"),
            MethodOption("dual_clip", 10, 1...(.infinity), "c: the loss of a negative advantage is at most c · |A|"),
        ],
        proof: .reversals(
            "Advantages against all that is known of a task leave fewer groups without any.", changes: ["environment.options.tasks=64"],
            arms: [
                .init("DCPO", ["method.id=dcpo-tokens", "method.options.responses=8"]),
                .init("GRPO", ["method.id=grpo"]),
            ], measure: .metric("groups_without_advantage"), verdicts: [.below(0.8, "DCPO", of: "GRPO")])
    ) { option in
        .dcpoTokens(
            TokenSettings(option),
            clip: DynamicClip(
                epsilonLow: option("clip_low"), epsilonHigh: option("clip_high"), cap: option("cap"), dualClip: option("dual_clip")))
    }
}
