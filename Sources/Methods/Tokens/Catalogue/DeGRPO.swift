import Rollouts

/// The proximal clip with the choice of mode apart from what follows it (DeGRPO; S172): α · mean over responses of the loss of their control
/// tokens + the mean of the loss over all other tokens. So a mode is chosen once per response, however long the response is.
public struct DecoupledClip: TokenTerm {
    public var clip: TokenClip
    /// α
    public var control: Float
    public let name = "policy_loss"

    public init(_ clip: TokenClip = TokenClip(), control: Float = 0.001) {
        self.clip = clip
        self.control = control
    }

    public func scales(_ step: TokenStep, _ aggregate: TokenAggregation) -> [Float] {
        let isControl = step.tokens.map { step.work.batch.roles[$0] == .control }
        let choosing = step.sequences.count { $0.span.contains { isControl[$0] && step.mask[$0] > 0 } }
        let others = step.mask.indices.reduce(Float(0)) { $0 + (isControl[$1] ? 0 : step.mask[$1]) }
        return step.mask.indices.map { step.mask[$0] * (isControl[$0] ? control / Float(max(choosing, 1)) : 1 / max(others, 1)) }
    }

    public func slope(_ step: TokenStep) -> TokenSlope { clip.slope(step) }
    public func metrics(_ step: TokenStep) -> [Metric] { clip.metrics(step) }
}

/// What a response earns by its mode and its correctness, whatever the environment gives: correct and short, correct and long, wrong.
public struct ModeReward: TokenStage {
    /// The control token that stands for the short mode.
    public var short: Int32
    public var correctShort: Float = 1
    public var correctLong: Float = 0.5
    public var wrong: Float = -1

    public init(short: Int32) { self.short = short }

    public func apply(_ work: inout TokenWork) {
        for (number, response) in work.batch.responses.enumerated() {
            work.reward[number] = response.isCorrect ? (response.tokens.first == short ? correctShort : correctLong) : wrong
        }
    }
}

extension TokenMethod {
    /// Decoupled GRPO of Thinkless (Fang et al., 2025; S172): the first token of a response is a choice of mode (`TokenRole.control`); A = R −
    /// mean of the group, `DecoupledClip`, β · k3 to the reference policy as a mean over all tokens. Both modes must exist beforehand:
    /// a supervised warm-up with each at a probability of about a half.
    ///
    /// Staleness class C, as GRPO.
    public static func degrpo(
        _ settings: TokenSettings = TokenSettings(), objective: DecoupledClip = DecoupledClip(), beta: Float = 0.001, modes: ModeReward? = nil
    ) -> TokenMethod {
        var settings = settings
        settings.plan.firstTokenIsControl = true
        let credit: any TokenStage = GroupRelative(.none)
        return TokenMethod(
            "degrpo", settings, stages: (modes.map { [$0] } ?? []) + [credit],
            terms: [objective] + (beta > 0 ? [ReferenceDivergence(beta)] : []), aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let degrpo = MethodEntry(
        token: "degrpo", summary: "GRPO that learns when to think apart from how", paper: "Fang et al. 2025, arXiv:2505.13379", paperID: "S172",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [
            MethodOption("control", 0.001, 0...1000, "α: how much the choice of mode counts"),
            MethodOption("beta", 0.001, 0...10, "the coefficient of the divergence from the reference policy"),
            MethodOption(
                "short_token", -1, -1...1e6, isWhole: true, "the control token of the short mode: rewards are then 1, 0.5 (long) and −1; −1: the environment's"),
        ],
        proof: .modes(
            "Weighed apart, the choice of mode does not collapse: its entropy stays up.",
            arms: [
                .init("DeGRPO", ["method.id=degrpo", "method.options.beta=0"]),
                .init("GRPO", ["method.id=grpo"]),
            ], measure: .metric("entropy"), verdicts: [.better("DeGRPO", than: "GRPO")])
    ) { option in
        let short = option.count("short_token")
        return .degrpo(
            TokenSettings(option), objective: DecoupledClip(TokenClip(option), control: option("control")), beta: option("beta"),
            modes: short < 0 ? nil : ModeReward(short: Int32(short)))
    }
}
