import Rollouts

/// A divergence from the reference policy on responses that the reference policy itself drew, stored with its log-probabilities (DPH-RL; S127):
/// c · f(u), u = π / π_ref, a mean over the stored tokens of the step; ∂l/∂lp = c · u f'(u).
///
/// Responses of the source `.dataset` are the stored ones, and `logProbs` what the reference policy said. No reference network is needed.
public struct StoredDivergence: TokenTerm {
    public enum Kind: Sendable, Hashable {
        /// u − log u − 1, whose mean is KL(π_ref ‖ π).
        case forward
        /// u log u − (u + 1) log((u + 1) / 2), whose mean is twice the Jensen–Shannon divergence.
        case jensenShannon
        /// (u^(1−α) − (1 − α) u − α) / (α (α − 1))
        case alpha(Float)
    }
    public var kind: Kind
    public var coefficient: Float
    public let name = "stored_divergence"

    public init(_ kind: Kind = .forward, coefficient: Float = 0.02) {
        self.kind = kind
        self.coefficient = coefficient
    }

    public var isWeighted: Bool { false }

    public func scales(_ step: TokenStep, _ aggregate: TokenAggregation) -> [Float] {
        var scales = [Float](repeating: 0, count: step.count)
        for sequence in step.sequences {
            let response = step.work.batch.responses[sequence.response]
            guard response.source == .dataset else { continue }
            for (place, token) in sequence.span.enumerated() where response.roles[place] != .environment && place >= response.firstOwnToken {
                scales[token] = 1
            }
        }
        let count = max(scales.reduce(0, +), 1)
        return scales.map { $0 / count }
    }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        for token in 0..<step.count {
            let (value, derivative) = divergence(min(max(step.logProb[token] - step.behaviour[token], -20), 20))
            (slope.loss[token], slope.logProb[token]) = (coefficient * value, coefficient * derivative)
        }
        return slope
    }

    /// f(u), and u f'(u), at log u = x.
    public func divergence(_ x: Float) -> (value: Float, derivative: Float) {
        let u = exponential(x)
        switch kind {
        case .forward: return (u - x - 1, u - 1)
        case .jensenShannon:
            let middle = naturalLogarithm((u + 1) / 2)
            return (u * x - (u + 1) * middle, u * (x - middle))
        case .alpha(let alpha):
            let power = exponential((1 - alpha) * x)
            return ((power - (1 - alpha) * u - alpha) / (alpha * (alpha - 1)), (u - power) / alpha)
        }
    }
}

/// Stored responses are in no loss but that of their own term.
public struct StoredApart: TokenStage {
    public init() {}

    public func apply(_ work: inout TokenWork) {
        for (number, response) in work.batch.responses.enumerated() where response.source == .dataset {
            for token in work.batch.spans[number] { (work.mask[token], work.advantage[token]) = (0, 0) }
        }
    }
}

extension TokenMethod {
    /// Diversity-preserving hybrid RL (Li et al., 2025, DPH-RL; S127): GRPO's advantages, the proximal clip (0.2, 0.28) and a mean over all live
    /// tokens on tasks that the initial policy does not always solve, without a divergence; `StoredDivergence` on stored responses to those
    /// that it does. A stored response is a group of its own. Both stand in one gradient step, each with a denominator of its own; the paper takes
    /// them in turns.
    ///
    /// Staleness class C; stored responses may have any age.
    public static func dphRL(
        _ settings: TokenSettings = TokenSettings(), clip: TokenClip = TokenClip(low: 0.2, high: 0.28),
        divergence: StoredDivergence = StoredDivergence(), storedShare: Float = 0.25
    ) -> TokenMethod {
        var settings = settings
        (settings.plan.storedAttempts, settings.plan.storedShare) = (8, storedShare)
        return TokenMethod("dph-rl", settings, stages: [GroupRelative(), StoredApart()], terms: [clip, divergence], aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let dphRL = MethodEntry(
        token: "dph-rl", summary: "GRPO that rehearses what the initial policy could, with a mass-covering divergence",
        paper: "Li et al. 2025, arXiv:2509.07430", paperID: "S127",
        options: TokenSettings.options() + TokenSettings.clipOptions(low: 0.2, high: 0.28) + [
            MethodOption("divergence", 0, 0...2, isWhole: true, "from the reference policy: 0 forward, 1 Jensen–Shannon, 2 alpha"),
            MethodOption("alpha", 0.2, 0.01...0.99, "α of the alpha divergence"),
            MethodOption("coefficient", 0.02, 0...1000, "of the divergence; 0.05 to 0.2 for Jensen–Shannon"),
            MethodOption("stored_share", 0.25, 0...1, "the share of groups that are stored responses"),
        ],
        proof: .reversals(
            "Rehearsing what the initial policy could keeps more different answers alive.", changes: ["environment.options.tasks=512"],
            arms: [
                .init("DPH-RL", ["method.id=dph-rl", "method.options.coefficient=0.05"]),
                .init("GRPO", ["method.id=grpo"]),
            ], measure: .metric("entropy"), verdicts: [.better("DPH-RL", than: "GRPO")])
    ) { option in
        let kinds: [StoredDivergence.Kind] = [.forward, .jensenShannon, .alpha(option("alpha"))]
        return .dphRL(
            TokenSettings(option), clip: TokenClip(option),
            divergence: StoredDivergence(kinds[option.count("divergence")], coefficient: option("coefficient")), storedShare: option("stored_share"))
    }
}
