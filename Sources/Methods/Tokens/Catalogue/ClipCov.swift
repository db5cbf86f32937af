import Rollouts
import Tensors

/// The proximal clip without some of the tokens that lower the entropy most (Cui et al., 2025, Clip-Cov; S113): of the tokens whose covariance
/// of lp and A lies between two limits and that the clip keeps, floor(rate · N), at least one, drawn at random, have loss and gradient 0.
/// N: the tokens of the step that count, and they stay in the denominator.
public struct CovarianceClip: TokenTerm {
    public var clip: TokenClip
    /// 0: none is left out.
    public var rate: Float
    public var low: Float
    public var high: Float
    public let name = "policy_loss"

    public init(_ clip: TokenClip = TokenClip(low: 1, high: 1), rate: Float = 2e-4, low: Float = 1, high: Float = 5) {
        self.clip = clip
        self.rate = rate
        self.low = low
        self.high = high
    }

    public var seesWholeStep: Bool { true }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = clip.slope(step)
        for token in left(step) { (slope.loss[token], slope.logProb[token]) = (0, 0) }
        return slope
    }

    /// The tokens that are left out.
    public func left(_ step: TokenStep) -> [Int] {
        guard rate > 0 else { return [] }
        let (covariances, kept) = (step.covariances, clip.slope(step).logProb)
        var candidates = (0..<step.count).filter { step.mask[$0] > 0 && covariances[$0] > low && covariances[$0] < high && kept[$0] != 0 }
        let count = min(max(Int(rate * step.mask.reduce(0, +)), 1), candidates.count)
        var stream = step.work.stream(2, step.number)
        for place in 0..<count { candidates.swapAt(place, Int.random(in: place..<candidates.count, using: &stream)) }
        return candidates.prefix(count).sorted()
    }

    public func metrics(_ step: TokenStep) -> [Metric] {
        clip.metrics(step) + [
            ("covariance", step.covariances.reduce(0, +) / max(step.mask.reduce(0, +), 1)), ("covariance_clipped", Float(left(step).count)),
        ]
    }
}

extension TokenMethod {
    /// Clip-Cov (Cui et al., 2025; S113): GRPO's advantages, `CovarianceClip` and a mean over all tokens. The covariances are those of the
    /// current policy, over the tokens of one gradient step, constants. Draws are addressed by the version and the number of the step, so an
    /// update can be made again.
    ///
    /// Staleness class C, as the proximal clip.
    public static func clipCov(_ settings: TokenSettings = TokenSettings(), objective: CovarianceClip = CovarianceClip()) -> TokenMethod {
        TokenMethod("clip-cov", settings, stages: [GroupRelative()], terms: [objective], aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let clipCov = MethodEntry(
        token: "clip-cov", summary: "proximal clip without some of the tokens that lower the entropy most",
        paper: "Cui et al. 2025, arXiv:2505.22617", paperID: "S113",
        options: TokenSettings.options() + TokenSettings.clipOptions(low: 1, high: 1) + [
            MethodOption("rate", 2e-4, 0...1, "the share of tokens that is left out, at least one; 0: none"),
            MethodOption("covariance_low", 1, 0...(.infinity), "tokens with a greater covariance may be left out"),
            MethodOption("covariance_high", 5, 0...(.infinity), "up to this one"),
        ],
        proof: .reversals(
            "Leaving out tokens of high covariance keeps the entropy up.",
            arms: [
                .init("Clip-Cov", ["method.id=clip-cov", "method.options.rate=0.02", "method.options.covariance_low=0.2"]),
                .init("GRPO", ["method.id=grpo"]),
            ], measure: .metric("entropy"), verdicts: [.better("Clip-Cov", than: "GRPO")])
    ) { option in
        .clipCov(
            TokenSettings(option),
            objective: CovarianceClip(TokenClip(option), rate: option("rate"), low: option("covariance_low"), high: option("covariance_high")))
    }
}
