import Networks
import Rollouts
import Tensors

/// HARPG and N-HARPG (Fatkhullin et al., 2023; S009): policy-gradient steps along an average of gradients that second derivatives carry along (see
/// `HessianAidedMomentum`). Two batches make one step: the first is acted at a random point θ^ between the last two policies and gives
/// B (θ_t − θ_{t−1}), the second at θ_t itself and gives g. The first step of all needs only the second kind.
///
/// g is as in `NPGIGT`. B u is the derivative along u of Σ w_i(θ) ∇Φ_i(θ) at θ^ — Φ_i = Σ A log π(a | o) of one sequence, w_i = p_θ / p_θ^ of its
/// actions — which is (∇log p_i · u) ∇Φ_i + ∇²Φ_i u summed over the sequences; taken as a central difference of two gradients.
///
/// Staleness class C, with no correction at all: the data must come from exactly the policy that was published last.
public struct HARPG: Algorithm {
    public var method: Method
    public var schedule: MomentumSchedule
    /// Whether steps have the length γ_t, whatever d_t's.
    public var isNormalized: Bool
    /// γ_0
    public var step: Float
    public var valueFit: ValueFit

    public init(
        isNormalized: Bool, discount: Float = 0.99, lambda: Float = 1, step: Float = 0.1, momentumPower: Float = 1,
        minimumMomentum: Float = 0, stepPower: Float = 1, valueFit: ValueFit = ValueFit(epochs: 1), normalizesAdvantages: Bool = false
    ) {
        method = .ascent(
            isNormalized ? "n-harpg" : "harpg", discount: discount, lambda: lambda, normalizesAdvantages: normalizesAdvantages)
        schedule = MomentumSchedule(momentumPower: momentumPower, minimumMomentum: minimumMomentum, stepPower: stepPower)
        self.isNormalized = isNormalized
        self.step = step
        self.valueFit = valueFit
    }

    public var staleness: Staleness { method.staleness }
    public var discount: Float { method.discount }
    public func learner(_ setting: LearnerSetting) throws -> any Learner {
        try setting.requirePolicy(for: method.name)
        return HARPGLearner(self, setting)
    }
}

extension PolicyLoss {
    /// B u at some weights: the derivative along u of the gradient of the expected loss, estimated from the batch, which was acted at these
    /// weights. 0 for everything that is not the policy's.
    func hessianProduct(at weights: Weights, _ u: [Float]) throws(NonFiniteGradient) -> [Float] {
        let norm = length(u)
        guard norm > 0 else { return u }
        // As for `FisherProduct`.
        let step = Float(0.02 / norm)
        let here = self(weights.parameters()).output
        let logProb = network.distribution.logProb(of: batch.action, here).detached
        func gradient(_ step: Float) throws(NonFiniteGradient) -> [Float] {
            let moved = weights.copy()
            moved.flat.withMutableBuffer { for k in $0.indices { $0[k] += step * u[k] } }
            return try self.gradient(at: moved) { policy in
                let logRatio = policy.logProb.detached - logProb.reshaped(policy.logProb.shape)
                return exp(clamp(constants.sequences.broadcast(logRatio) { $0.reduce(0, +) }, -20, 20))
            }.gradient
        }
        return zip(try gradient(step), try gradient(-step)).map { ($0 - $1) / (2 * step) }
    }
}

final class HARPGLearner: Learner {
    private let algorithm: HARPG
    private let ascent: PolicyAscent
    private let seed: UInt64
    private var momentum: HessianAidedMomentum
    /// Whether the next batch is the one that was acted between the last two policies.
    private var isBetween = false

    var weights: Weights { ascent.weights }
    var behaviour: Weights { ascent.behaviour }

    init(_ algorithm: HARPG, _ setting: LearnerSetting) {
        self.algorithm = algorithm
        seed = setting.seed
        ascent = PolicyAscent(algorithm.method, valueFit: algorithm.valueFit, setting)
        momentum = HessianAidedMomentum(algorithm.schedule, isNormalized: algorithm.isNormalized, from: ascent.weights.flat.values)
    }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        try ascent.attempt {
            let loss = ascent.loss(batch, moment)
            var momentum = momentum
            var theta = weights.flat.values
            let acting: [Float]
            let report: (value: Float, norm: Float, metrics: [Metric])
            if isBetween {
                let movement = onPolicyParts(momentum.movement(theta), loss.parts)
                let change = try loss.hessianProduct(at: behaviour, movement).map { -$0 }
                momentum.transport(change)
                acting = theta
                report = (0, 0, [("transport_norm", Float(length(change)))])
            } else {
                let (gradient, value, metrics) = try loss.gradient(at: behaviour)
                let norm = globalNorm(behaviour.gradient)
                momentum.step(&theta, gradient: gradient.map { -$0 }, rate: algorithm.step)
                ascent.move(to: theta, loss.parts)
                acting = momentum.between(theta, q: share(momentum.iteration))
                report = (value, norm, metrics + [("direction_norm", Float(length(momentum.direction)))])
            }
            let valueLoss = try ascent.fitValue(loss, at: moment)
            ascent.act(at: acting, loss.parts)
            self.momentum = momentum
            isBetween.toggle()
            return LearnerReport(
                loss: report.value, gradientNorm: report.norm, metrics: report.metrics + [valueLoss] + loss.constants.metrics)
        }
    }

    /// q of step t, uniform in [0, 1).
    private func share(_ iteration: Int) -> Float {
        var random = RandomKey(seed: seed, purpose: .learner, actor: .max - 2).stream(slot: 0, episode: UInt64(iteration))
        return Float(random.uniform())
    }

    /// A vector with 0 for everything that is not the policy's: the value function moves by other means.
    private func onPolicyParts(_ x: [Float], _ parts: ParameterParts) -> [Float] {
        var y = [Float](repeating: 0, count: x.count)
        for range in parts.policy { for k in range { y[k] = x[k] } }
        return y
    }

    var state: [Column] {
        ascent.state + [
            Column("harpg.direction", momentum.direction), Column("harpg.previous", momentum.previous),
            Column("harpg.iteration", Tensor(Float(momentum.iteration))), Column("harpg.between", Tensor(isBetween ? 1 : 0)),
        ]
    }

    func restore(_ state: [Column]) throws {
        let saved = try LearnerState(state)
        let count = weights.flat.count
        let (direction, previous) = (try saved.vector("harpg.direction", count: count), try saved.vector("harpg.previous", count: count))
        let (iteration, between) = (try saved.scalar("harpg.iteration"), try saved.scalar("harpg.between"))
        try ascent.restore(state)
        (momentum.direction, momentum.previous, momentum.iteration) = (direction, previous, Int(iteration))
        isBetween = between == 1
    }
}

extension MethodEntry {
    static let harpg = entry(isNormalized: false)
    static let nHARPG = entry(isNormalized: true)

    private static let claim = Proof(
        claim: "With small batches, Hessian-aided momentum learns from fewer trajectories than normalised policy gradients without",
        run: "cartpole", changes: Proof.smallBatches,
        arms: [
            Proof.Arm("n-harpg", ["method.id=n-harpg", "method.options.step=0.3", "method.options.minimum_momentum=0.1"]),
            Proof.Arm("harpg", ["method.id=harpg", "method.options.step=0.3", "method.options.minimum_momentum=0.1"]), .withoutMomentum,
        ],
        measure: .meanReturn, verdicts: [.better("n-harpg", than: "no momentum"), .better("harpg", than: "no momentum")])

    private static func entry(isNormalized: Bool) -> MethodEntry {
        MethodEntry(
            id: isNormalized ? "n-harpg" : "harpg", kind: "momentum",
            summary: isNormalized
                ? "normalised policy gradients averaged with Hessian-vector products: two batches per step"
                : "policy gradients averaged with Hessian-vector products: two batches per step",
            paper: "Fatkhullin et al. 2023, arXiv:2302.01734", paperID: "S009",
            options: [
                .discount, .wholeUnroll, .firstStep, .momentumPower(1), .minimumMomentum, .stepPower, .oneValueEpoch, .valueMinibatches,
                .normalizesAdvantages(false),
            ],
            proof: claim
        ) { option in
            HARPG(
                isNormalized: isNormalized, discount: option("discount"), lambda: option("lambda"), step: option("step"),
                momentumPower: option("momentum_power"), minimumMomentum: option("minimum_momentum"), stepPower: option("step_power"),
                valueFit: ValueFit(epochs: option.count("value_epochs"), minibatches: option.count("value_minibatches")),
                normalizesAdvantages: option.flag("normalize_advantages"))
        }
    }
}
