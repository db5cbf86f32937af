import Tensors

/// Tapered off-policy REINFORCE (Le Roux et al., 2025, TOPR; B11): −c A log π(a | o) with the constant
///
///     c = a⁺ where A ≥ 0,   a⁻ · clip(ρ, 0, 1) where A < 0,   ρ = π / μ
///
/// What turned out well is imitated whatever its probability; what turned out badly is pushed away only as far as the policy still does it,
/// which bounds the push. Per step, ρ and A are the step's. Per sequence, as in the paper, ρ is the product over the episode's part in a
/// slot, and A that of its first step: the return of the whole part less the baseline.
public struct TaperedPolicyGradient: Objective {
    public var positive: Float
    public var negative: Float
    public var level: ImportanceLevel

    public init(positive: Float = 1, negative: Float = 1, level: ImportanceLevel = .step) {
        self.positive = positive
        self.negative = negative
        self.level = level
    }

    public var needsSequences: Bool { level.needsSequences }

    public func loss(_ step: PolicyStep) -> Tensor {
        let advantage = needsSequences ? step.sequences!.broadcast(step.advantage) { $0[0] } : step.advantage
        let ratio = ratio(step)
        let weight = ratio.withBuffer { ratio in
            advantage.withBuffer { advantage in
                Tensor(step.advantage.shape) {
                    for k in $0.indices { $0[k] = advantage[k] * (advantage[k] >= 0 ? positive : negative * min(ratio[k], 1)) }
                }
            }
        }
        return -(weight * step.logProb)
    }

    public func clipped(_ step: PolicyStep) -> Tensor? { outside(ratio(step), -.infinity, 1) }

    public func metrics(_ step: PolicyStep) -> [Metric] {
        let advantage = step.advantage.values
        return [("positive_share", Float(advantage.count { $0 >= 0 }) / Float(max(advantage.count, 1)))]
    }

    private func ratio(_ step: PolicyStep) -> Tensor {
        exp(level.logRatio(step.logProb.detached - step.behaviourLogProb, step.sequences))
    }
}

extension Method {
    /// Tapered off-policy REINFORCE (Le Roux et al., 2025; B11): `TaperedPolicyGradient` with the returns of the unroll less the learned value.
    /// Several epochs over one batch are allowed.
    ///
    /// Staleness class A: data of any age and origin.
    public static func topr(
        discount: Float = 0.99, lambda: Float = 1, objective: TaperedPolicyGradient = TaperedPolicyGradient(), epochs: Int = 1,
        minibatches: Int = 1, entropy: Float = 0.01, value: Float = 0.5, normalizesAdvantages: Bool = false
    ) -> Method {
        Method(
            "topr", staleness: .any, discount: discount, credit: GAE(lambda: lambda), normalizesAdvantages: normalizesAdvantages,
            objective: objective, regularizers: [Entropy(entropy), ValueError(value)], aggregate: .stepMean,
            plan: UpdatePlan(epochs: epochs, minibatches: minibatches))
    }
}

extension MethodEntry {
    static let topr = MethodEntry(
        id: "topr", kind: "actor–critic", summary: "off-policy policy gradient that stops pushing what the policy no longer does",
        paper: "Le Roux et al. 2025, arXiv:2503.14286", paperID: "B11",
        options: [
            .discount, MethodOption("lambda", 1, 0...1, "λ of the advantages: 1 the returns of the unroll, as in the paper"),
            MethodOption("positive", 1, 0...(.infinity), "a⁺, the weight of what turned out well"),
            MethodOption("negative", 1, 0...(.infinity), "a⁻, the largest weight of what turned out badly"),
            MethodOption("sequences", 0, 0...1, isFlag: true, "1 for ratios and returns of whole sequences, as in the paper, 0 for those of steps"),
            MethodOption("epochs", 1, 1...1000, isWhole: true, "how often each batch is gone over"),
            MethodOption("minibatches", 1, 1...65536, isWhole: true, "gradient steps of one epoch"),
            .entropy, .value, .normalizesAdvantages(false),
        ],
        proof: Proof(
            claim: "Naive REINFORCE collapses on old data; with tapered negatives it learns from the same data.",
            run: "cartpole", changes: ["stop.frames=300000", "optimizer.learning_rate=0.004"],
            arms: [
                .init("TOPR, lag 16", ["method.id=topr"], lag: 16),
                .init("REINFORCE, lag 16", ["method.id=reinforce"], lag: 16),
            ],
            measure: .finalReturn,
            verdicts: [.better("TOPR, lag 16", than: "REINFORCE, lag 16")])
    ) { option in
        Method.topr(
            discount: option("discount"), lambda: option("lambda"),
            objective: TaperedPolicyGradient(
                positive: option("positive"), negative: option("negative"), level: option.flag("sequences") ? .sequence : .step),
            epochs: option.count("epochs"), minibatches: option.count("minibatches"), entropy: option("entropy"), value: option("value"),
            normalizesAdvantages: option.flag("normalize_advantages"))
    }
}
