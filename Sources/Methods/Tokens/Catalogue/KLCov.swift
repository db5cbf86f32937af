import Rollouts

/// The policy gradient with importance weights, and a distance from the old policy at the tokens that lower the entropy most (Cui et al., 2025,
/// KL-Cov; S113):
///
///     l = −r A  + β |lp − lo| at the floor(rate · N) tokens, at least one, with the greatest covariance of lp and A
///
/// There is no clip. On the data of the policy itself |lp − lo| has no gradient: it works from the second step on a batch on, or on old data.
public struct CovarianceDivergence: TokenTerm {
    /// 0: none has the distance.
    public var rate: Float
    /// β
    public var coefficient: Float
    public let name = "policy_loss"

    public init(rate: Float = 2e-3, coefficient: Float = 1) {
        self.rate = rate
        self.coefficient = coefficient
    }

    public var seesWholeStep: Bool { true }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        for token in 0..<step.count {
            slope.loss[token] = -step.ratio(token) * step.advantage[token]
            slope.logProb[token] = slope.loss[token]
        }
        for token in chosen(step) {
            let x = step.logRatio(token)
            slope.loss[token] += coefficient * abs(x)
            slope.logProb[token] += coefficient * (x > 0 ? 1 : x < 0 ? -1 : 0)
        }
        return slope
    }

    /// The tokens that are held back.
    public func chosen(_ step: TokenStep) -> [Int] {
        guard rate > 0 else { return [] }
        let covariances = step.covariances
        let counting = (0..<step.count).filter { step.mask[$0] > 0 }
        let count = min(max(Int(rate * Float(counting.count)), 1), counting.count)
        return Array(counting.sorted { (covariances[$0], $1) > (covariances[$1], $0) }.prefix(count))
    }

    public func metrics(_ step: TokenStep) -> [Metric] {
        [("covariance", step.covariances.reduce(0, +) / max(step.mask.reduce(0, +), 1)), ("covariance_held", Float(chosen(step).count))]
    }
}

extension TokenMethod {
    /// KL-Cov (Cui et al., 2025; S113): GRPO's advantages, `CovarianceDivergence` and a mean over all tokens; covariances of the current policy
    /// over one gradient step, constants.
    ///
    /// Staleness class C: the ratio is not clipped, so for young data.
    public static func klCov(
        _ settings: TokenSettings = TokenSettings(), objective: CovarianceDivergence = CovarianceDivergence()
    ) -> TokenMethod {
        TokenMethod(
            "kl-cov", settings, staleness: .onPolicy(maxLag: 4), stages: [GroupRelative()], terms: [objective], aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let klCov = MethodEntry(
        token: "kl-cov", summary: "policy gradient that holds back the tokens that lower the entropy most",
        paper: "Cui et al. 2025, arXiv:2505.22617", paperID: "S113",
        options: TokenSettings.options() + [
            MethodOption("rate", 2e-3, 0...1, "the share of tokens that is held back, at least one; 0: none"),
            MethodOption("beta", 1, 0...1000, "β: the coefficient of their distance from the old policy"),
        ],
        proof: .reversals(
            "Holding back the tokens of high covariance keeps the entropy up.",
            arms: [
                .init("KL-Cov", ["method.id=kl-cov", "method.options.rate=0.05", "method.options.epochs=2"]),
                .init("GRPO", ["method.id=grpo", "method.options.epochs=2"]),
            ], measure: .metric("entropy"), verdicts: [.better("KL-Cov", than: "GRPO")])
    ) { option in
        .klCov(TokenSettings(option), objective: CovarianceDivergence(rate: option("rate"), coefficient: option("beta")))
    }
}
