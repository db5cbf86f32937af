import Rollouts

/// Tapered policy gradient (TOPR; B11): l = −c · A · lp with the constant c = a⁺ where A > 0, and a⁻ · clip(ρ, 0, 1) elsewhere. ρ = π / μ is the
/// product over a response, or in the practical token form the token's own.
///
/// What turned out well is imitated whatever its probability; what turned out badly is pushed away only as far as the policy still does it,
/// which bounds the push.
public struct TokenTaper: TokenTerm {
    public var positive: Float
    public var negative: Float
    public var isPerToken: Bool
    public let name = "policy_loss"

    public init(positive: Float = 1, negative: Float = 1, perToken: Bool = false) {
        self.positive = positive
        self.negative = negative
        isPerToken = perToken
    }

    public var deliberateSlope: String? { "score form: the taper is a constant" }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        for sequence in step.sequences {
            let whole = sequence.span.reduce(0) { $0 + step.mask[$1] * (step.logProb[$1] - step.behaviour[$1]) }
            for token in sequence.span {
                let logRatio = isPerToken ? step.logProb[token] - step.behaviour[token] : whole
                let taper = exponential(min(max(logRatio, -20), 0))
                let advantage = step.advantage[token]
                slope.logProb[token] = -advantage * (advantage > 0 ? positive : negative * taper)
                slope.loss[token] = slope.logProb[token] * step.logProb[token]
            }
        }
        return slope
    }

    public func metrics(_ step: TokenStep) -> [Metric] {
        let counting = step.sequences.filter { $0.length > 0 }
        let positive = counting.count { step.sum(step.advantage, $0) > 0 }
        return [("positive_share", Float(positive) / Float(max(counting.count, 1)))]
    }
}

/// Rewards less one constant: A = R − c. It decides which responses count as good, and how many effectively do (B11).
public struct ConstantBaseline: TokenStage {
    public var baseline: Float
    public init(_ baseline: Float) { self.baseline = baseline }

    public func apply(_ work: inout TokenWork) {
        for group in work.batch.groups.indices {
            for response in work.batch.judged(group) { work.setAdvantage(work.reward[response] - baseline, of: response) }
        }
    }
}

extension TokenMethod {
    /// Tapered off-policy REINFORCE for token policies (Le Roux et al., 2025; B11): `TokenTaper` with A = R − c, summed over a response's tokens and
    /// averaged over responses. Several epochs over one batch, or over data of any origin, are allowed; there is no reference.
    ///
    /// The paper's rewards are ±1; verifiers give 0 or 1, which the baseline ½ makes ±½. The token form takes each token's ratio and
    /// GRPO's advantage, as public code does. Staleness class A.
    public static func toprTokens(
        _ settings: TokenSettings = TokenSettings(), taper: TokenTaper = TokenTaper(), baseline: Float = 0.5
    ) -> TokenMethod {
        TokenMethod(
            "topr-tokens", settings, staleness: .any, stages: [taper.isPerToken ? GroupRelative() : ConstantBaseline(baseline)],
            terms: [taper], aggregate: .sequenceMeanTokenSum)
    }
}

extension MethodEntry {
    static let toprTokens = MethodEntry(
        token: "topr-tokens", summary: "policy gradient that stops pushing what the policy no longer does",
        paper: "Le Roux et al. 2025, arXiv:2503.14286", paperID: "B11",
        options: TokenSettings.options() + [
            MethodOption("baseline", 0.5, -1000...1000, "c: responses with a reward above it are imitated, the others pushed away"),
            MethodOption("positive", 1, 0...(.infinity), "a⁺, the weight of what turned out well"),
            MethodOption("negative", 1, 0...(.infinity), "a⁻, the largest weight of what turned out badly"),
            MethodOption("per_token", 0, 0...1, isFlag: true, "ratios of tokens and advantages of the group, instead of whole responses"),
        ],
        proof: .lagged(
            "At lag 8 tapered weights keep more than no correction.",
            arms: [
                .init("TOPR", ["method.id=topr-tokens"], lag: 8),
                .init("none", ["method.id=reinforce-tokens", "method.options.mean=1"], lag: 8),
            ], verdicts: [.better("TOPR", than: "none")])
    ) { option in
        .toprTokens(
            TokenSettings(option),
            taper: TokenTaper(positive: option("positive"), negative: option("negative"), perToken: option.flag("per_token")),
            baseline: option("baseline"))
    }
}
