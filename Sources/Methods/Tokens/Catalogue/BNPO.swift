import Rollouts

/// Advantages divided by a density of success rates (BNPO; S208): A = (R − p) / f(p; α, β) with p the mean reward of the group, and a Beta
/// distribution fitted by moments to the p of the batch: with their mean m and sample variance v,
///
///     s = m (1 − m) / v − 1,   a = s m,   b = s (1 − m),   α = max(1, 1 + a/3),   β = max(1, 1 + b/3)
///
/// which minimises the gradient's variance. α = β = 1 is REINFORCE with a baseline, α = β = 3/2 is π/8 of GRPO. Rewards are within 0 … 1; groups
/// with p = 0 or 1 have no advantage. Fewer than two groups, or groups that all succeed alike, fit nothing: α = β = 1.
public struct BetaNormalization: TokenStage {
    /// 1/f is at most this.
    public var largest: Float
    /// Of rewards with parts, each part is normalised for itself, and the advantages are added.
    public var decomposes: Bool

    public init(largest: Float = 1e6, decomposes: Bool = false) {
        self.largest = largest
        self.decomposes = decomposes
    }

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        let judged = batch.groups.indices.map { batch.judged($0) }
        let parts = decomposes ? judged.joined().map { batch.responses[$0].rewards.count - 1 }.min() ?? 0 : 0
        var advantages = [Float](repeating: 0, count: batch.responses.count)
        for part in 0..<max(parts, 1) {
            let rewards = parts > 0 ? batch.responses.map { $0.rewards.count > part + 1 ? $0.rewards[part + 1] : 0 } : work.reward
            let means = judged.map { GroupStatistics($0.map { rewards[$0] }).mean }
            let (alpha, beta) = Self.fit(zip(judged, means).filter { !$0.0.isEmpty }.map(\.1))
            for (group, p) in zip(judged, means) where p > 0 && p < 1 {
                let scale = min(Float(1 / Self.density(Double(p), alpha, beta)), largest)
                for response in group { advantages[response] += (rewards[response] - p) * scale }
            }
            work.metrics += [("beta_alpha", Float(alpha)), ("beta_beta", Float(beta))]
        }
        for response in judged.joined() { work.setAdvantage(advantages[response], of: response) }
    }

    /// α and β for these success rates.
    public static func fit(_ means: [Float]) -> (alpha: Double, beta: Double) {
        let statistics = GroupStatistics(means)
        let (mean, variance) = (Double(statistics.mean), Double(statistics.sampleDeviation) * Double(statistics.sampleDeviation))
        guard means.count > 1, variance > 1e-12 else { return (1, 1) }
        let size = mean * (1 - mean) / variance - 1
        return (max(1, 1 + size * mean / 3), max(1, 1 + size * (1 - mean) / 3))
    }

    /// f(p; α, β) of the Beta distribution.
    public static func density(_ p: Double, _ alpha: Double, _ beta: Double) -> Double {
        exponential((alpha - 1) * naturalLogarithm(p) + (beta - 1) * naturalLogarithm(1 - p) + logGamma(alpha + beta) - logGamma(alpha) - logGamma(beta))
    }
}

extension TokenMethod {
    /// Beta normalisation policy optimisation (Xiao et al., 2025; S208): `BetaNormalization` with the proximal clip per token, summed over a response's
    /// tokens and averaged over responses. ("bnpo" of a widely used library is something else, a token mean.)
    ///
    /// Per token. Staleness class C.
    public static func bnpo(
        _ settings: TokenSettings = TokenSettings(), credit: BetaNormalization = BetaNormalization(),
        clip: TokenClip = TokenClip(low: 0.2, high: 0.28, dual: 10)
    ) -> TokenMethod { TokenMethod("bnpo", settings, stages: [credit], terms: [clip], aggregate: .sequenceMeanTokenSum) }
}

extension MethodEntry {
    static let bnpo = MethodEntry(
        token: "bnpo", summary: "advantages divided by a Beta density fitted to the batch's success rates", paper: "Xiao et al. 2025, arXiv:2506.02864",
        paperID: "S208",
        options: TokenSettings.options(responses: 16) + TokenSettings.clipOptions(high: 0.28, dual: 10) + [
            MethodOption("largest", 1e6, 1...(.infinity), "the largest factor of an advantage"),
            MethodOption("parts", 0, 0...1, isFlag: true, "normalise the parts of a reward one by one"),
        ],
        proof: .reversals(
            "Dividing by a fitted Beta density teaches more than rewards alone.",
            arms: [
                .init("BNPO", ["method.id=bnpo", "method.options.responses=8"]),
                .init("REINFORCE", ["method.id=reinforce-tokens", "method.options.mean=0"]),
            ], verdicts: [.better("BNPO", than: "REINFORCE")])
    ) { option in
        .bnpo(
            TokenSettings(option), credit: BetaNormalization(largest: option("largest"), decomposes: option.flag("parts")), clip: TokenClip(option))
    }
}
