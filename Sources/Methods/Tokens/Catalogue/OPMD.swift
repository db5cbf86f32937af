import Rollouts

extension TokenMethod {
    /// Online policy mirror descent as a policy gradient on data of any age (S080), in two forms, with τ the coefficient of the divergence
    /// from the behaviour policy:
    ///
    ///     simple:  l = −A / (1 + τ) · lp         Kimi's:  l = −A · lp + τ (lp − lb)²
    ///
    /// A = R − b, where b is the group's mean or the soft maximum τ log mean exp(R / τ). A mean over all tokens; A is constant. The squared
    /// form of Kimi k1.5 over whole responses is `kimi`; this one is per token, its ½ in τ. Staleness class A.
    public static func opmd(
        _ settings: TokenSettings = TokenSettings(), temperature: Float = 0.1, squares: Bool = false, softMaximum: Bool = false
    ) -> TokenMethod {
        TokenMethod(
            "opmd", settings, staleness: .any,
            stages: [GroupCentered(softMaximum ? .softMaximum(temperature: max(temperature, 1e-3)) : .mean)],
            terms: squares ? [TokenPolicyGradient(), BehaviourSquare(temperature)] : [Scaled(TokenPolicyGradient(), by: 1 / (1 + temperature))],
            aggregate: .tokenMean)
    }
}

/// Another term times a constant.
public struct Scaled<Term: TokenTerm>: TokenTerm {
    public var term: Term
    public var factor: Float

    public init(_ term: Term, by factor: Float) {
        self.term = term
        self.factor = factor
    }

    public var name: String { term.name }
    public var needs: TokenNeeds { term.needs }
    public var seesWholeStep: Bool { term.seesWholeStep }
    public var aggregate: TokenAggregation? { term.aggregate }
    public var isWeighted: Bool { term.isWeighted }
    public var deliberateSlope: String? { term.deliberateSlope }
    public func scales(_ step: TokenStep, _ aggregate: TokenAggregation) -> [Float] { term.scales(step, aggregate).map { factor * $0 } }
    public func slope(_ step: TokenStep) -> TokenSlope { term.slope(step) }
    public func metrics(_ step: TokenStep) -> [Metric] { term.metrics(step) }
}

extension MethodEntry {
    static let opmd = MethodEntry(
        token: "opmd", summary: "mirror descent from the behaviour policy, as a policy gradient", paper: "Yao et al. 2025, arXiv:2509.24203",
        paperID: "S080",
        options: TokenSettings.options() + [
            MethodOption("tau", 0.1, 0...1000, "τ: the coefficient of the divergence from the behaviour policy"),
            MethodOption("kimi", 0, 0...1, isFlag: true, "1: τ (log π − log μ)² in the loss (OPMD-Kimi); 0: advantages are divided by 1 + τ"),
            MethodOption("soft_maximum", 0, 0...1, isFlag: true, "the baseline is τ log mean exp(R / τ) instead of the mean"),
        ],
        proof: .lagged(
            "At lag 8 mirror descent keeps more than the policy gradient without correction.",
            arms: [
                .init("OPMD", ["method.id=opmd"], lag: 8),
                .init("none", ["method.id=reinforce-tokens", "method.options.mean=1"], lag: 8),
            ], verdicts: [.better("OPMD", than: "none")])
    ) { option in
        .opmd(TokenSettings(option), temperature: option("tau"), squares: option.flag("kimi"), softMaximum: option.flag("soft_maximum"))
    }
}
