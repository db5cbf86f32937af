import Networks
import Rollouts
import Tensors

/// N-PG-IGT (Fatkhullin et al., 2023; S009): normalised policy-gradient steps along an average of gradients that are each taken ahead of the
/// policy, at θ~ (see `ImplicitGradientTransport`). The actors act with θ~, the target policy θ is evaluated and saved.
///
/// g is the mean over the batch's steps of A ∇log π_θ~(a | o) with the advantages of GAE (λ = 1: the return of the rest of the unroll less the value);
/// A is a constant. The paper takes one trajectory per step, counts γ^t from its beginning and has no baseline. The learning rate of the run fits
/// V; `step` is γ_0.
///
/// Staleness class C, with no correction at all: the data must come from θ~.
public struct NPGIGT: Algorithm {
    public var method: Method
    public var schedule: MomentumSchedule
    /// γ_0
    public var step: Float
    public var valueFit: ValueFit

    public init(
        discount: Float = 0.99, lambda: Float = 1, step: Float = 0.1, momentumPower: Float = 0.8, minimumMomentum: Float = 0,
        stepPower: Float = 1, valueFit: ValueFit = ValueFit(epochs: 1), normalizesAdvantages: Bool = false
    ) {
        method = .ascent("n-pg-igt", discount: discount, lambda: lambda, normalizesAdvantages: normalizesAdvantages)
        schedule = MomentumSchedule(momentumPower: momentumPower, minimumMomentum: minimumMomentum, stepPower: stepPower)
        self.step = step
        self.valueFit = valueFit
    }

    public var staleness: Staleness { method.staleness }
    public var discount: Float { method.discount }
    public func learner(_ setting: LearnerSetting) throws -> any Learner { NPGIGTLearner(self, setting) }
}

final class NPGIGTLearner: Learner {
    private let algorithm: NPGIGT
    private let ascent: PolicyAscent
    private var transport: ImplicitGradientTransport

    var weights: Weights { ascent.weights }
    var behaviour: Weights { ascent.behaviour }

    init(_ algorithm: NPGIGT, _ setting: LearnerSetting) {
        self.algorithm = algorithm
        ascent = PolicyAscent(algorithm.method, valueFit: algorithm.valueFit, setting)
        transport = ImplicitGradientTransport(algorithm.schedule, from: ascent.weights.flat.values)
    }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        try ascent.attempt {
            let loss = ascent.loss(batch, moment)
            let (gradient, value, metrics) = try loss.gradient(at: behaviour)
            let norm = globalNorm(behaviour.gradient)
            var transport = transport
            var theta = weights.flat.values
            transport.step(&theta, gradient: gradient.map { -$0 }, rate: algorithm.step)
            ascent.move(to: theta, loss.parts)
            let valueLoss = try ascent.fitValue(loss, at: moment)
            ascent.act(at: transport.lookahead(weights.flat.values), loss.parts)
            self.transport = transport
            return LearnerReport(
                loss: value, gradientNorm: norm,
                metrics: metrics + [valueLoss, ("direction_norm", Float(length(transport.direction)))] + loss.constants.metrics)
        }
    }

    var state: [Column] {
        ascent.state + [
            Column("igt.direction", transport.direction), Column("igt.previous", transport.previous),
            Column("igt.iteration", Tensor(Float(transport.iteration))),
        ]
    }

    func restore(_ state: [Column]) throws {
        let saved = try LearnerState(state)
        let count = weights.flat.count
        let (direction, previous) = (try saved.vector("igt.direction", count: count), try saved.vector("igt.previous", count: count))
        let iteration = Int(try saved.scalar("igt.iteration"))
        try ascent.restore(state)
        (transport.direction, transport.previous, transport.iteration) = (direction, previous, iteration)
    }
}

extension Method {
    /// E[A log π] with GAE, to be climbed by other means than a `MethodLearner`.
    static func ascent(_ name: String, discount: Float, lambda: Float, normalizesAdvantages: Bool) -> Method {
        Method(
            name, staleness: .onPolicy(maxLag: 0), discount: discount, credit: GAE(lambda: lambda), normalizesAdvantages: normalizesAdvantages,
            objective: PolicyGradient(), regularizers: [], aggregate: .stepMean)
    }
}

extension MethodOption {
    static let wholeUnroll = MethodOption("lambda", 1, 0...1, "1: returns to the end of the unroll less the value, as in the paper; less: GAE")
    static let firstStep = MethodOption("step", 0.1, 0...(.infinity), "γ_0: the length of the first step in the space of the parameters")
    static func momentumPower(_ power: Double) -> MethodOption {
        MethodOption(
            "momentum_power", power, 0...10, "the share η of the newest gradient falls as (2 / (t + 2)) to this power; 0: no momentum")
    }
    static let minimumMomentum = MethodOption("minimum_momentum", 0, 0...1, "η does not fall below")
    static let stepPower = MethodOption("step_power", 1, 0...10, "steps shrink as (2 / (t + 2)) to this power; 0: they do not")
    static let oneValueEpoch = MethodOption("value_epochs", 1, 1...1000, isWhole: true, "how often V is fitted to each batch")
}

extension Proof {
    /// CartPole with a linear policy and 64 steps in each batch, where gradients are noisy.
    static let smallBatches = [
        "network.hidden=[]", "network.separate_value=true", "actors.slots=2", "actors.unroll=32", "optimizer.learning_rate=0.003",
        "optimizer.schedule=constant", "stop.frames=60000", "method.options.discount=0.99", "method.options.step_power=0.5",
    ]
}

extension Proof.Arm {
    /// Normalised policy gradients.
    static let withoutMomentum = Proof.Arm(
        "no momentum", ["method.id=n-pg-igt", "method.options.step=0.5", "method.options.momentum_power=0"])
}

extension MethodEntry {
    static let nPGIGT = MethodEntry(
        id: "n-pg-igt", kind: "momentum",
        summary: "normalised policy gradients averaged by implicit transport: actors act ahead of the policy",
        paper: "Fatkhullin et al. 2023, arXiv:2302.01734", paperID: "S009",
        options: [
            .discount, .wholeUnroll, .firstStep, .momentumPower(0.8), .minimumMomentum, .stepPower, .oneValueEpoch, .valueMinibatches,
            .normalizesAdvantages(false),
        ],
        proof: Proof(
            claim: "With small batches, momentum with implicit transport learns from fewer trajectories than normalised policy gradients without",
            run: "cartpole", changes: Proof.smallBatches,
            arms: [
                Proof.Arm("n-pg-igt", ["method.id=n-pg-igt", "method.options.step=0.2", "method.options.minimum_momentum=0.1"]),
                .withoutMomentum,
            ],
            measure: .meanReturn, verdicts: [.better("n-pg-igt", than: "no momentum")])
    ) { option in
        NPGIGT(
            discount: option("discount"), lambda: option("lambda"), step: option("step"), momentumPower: option("momentum_power"),
            minimumMomentum: option("minimum_momentum"), stepPower: option("step_power"),
            valueFit: ValueFit(epochs: option.count("value_epochs"), minibatches: option.count("value_minibatches")),
            normalizesAdvantages: option.flag("normalize_advantages"))
    }
}
