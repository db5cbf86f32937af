import Networks
import Rollouts
import Tensors

/// PROPS (Corrado & Hanna, 2024; S204): PPO whose actors follow another policy, one that makes the data look on-policy sooner than on-policy
/// acting does. After every batch the behaviour policy starts at the target policy θ and moves away from what was done:
///
///     φ ← θ; then by several gradient steps over all data D of this round, per step: max(ρ, clip(ρ, 1 − ε, 1 + ε)) + kl · KL(π_θ ‖ π_φ)
///     ρ = π_φ(a | o) / π_θ(a | o)
///
/// until the mean divergence passes its limit: actions that are over-represented in D become less likely, others more. After `collect` batches the target
/// policy is trained by PPO on all of D as if it had acted (its ratio is to π_θ at the update's start; no weight corrects for φ), and the oldest
/// of the last `rounds` rounds is forgotten. A, the targets of V and π_θ are constants.
///
/// Staleness class C: D is taken for on-policy data. Actors should have the newest φ, so batches should be small and the lag 0.
public struct PROPS: Algorithm {
    /// How the target policy is trained.
    public var target: Method
    /// How the behaviour policy is.
    public var behaviour: Method
    public var behaviourRate: Float
    /// Batches between two updates of the target policy.
    public var collect: Int
    /// b: how many such rounds D keeps.
    public var rounds: Int

    public init(
        target: Method = .ppo(), behaviourClip: Float = 0.3, behaviourKL: Float = 0, behaviourRate: Float = 1e-3, behaviourEpochs: Int = 16,
        behaviourMinibatches: Int = 4, behaviourTargetKL: Float? = 0.01, collect: Int = 8, rounds: Int = 1
    ) {
        self.target = target
        self.behaviourRate = behaviourRate
        self.collect = collect
        self.rounds = rounds
        behaviour = Method(
            "props", staleness: target.staleness, discount: target.discount, credit: ConstantAdvantage(-1), anchor: .start,
            objective: ProximalClip(epsilonLow: behaviourClip, epsilonHigh: behaviourClip),
            regularizers: behaviourKL > 0 ? [KLDivergence(.forward, behaviourKL)] : [], aggregate: .stepMean,
            plan: UpdatePlan(epochs: behaviourEpochs, minibatches: behaviourMinibatches, targetKL: behaviourTargetKL))
    }

    public var staleness: Staleness { target.staleness }
    public var discount: Float { target.discount }
    public func learner(_ setting: LearnerSetting) throws -> any Learner { PROPSLearner(self, setting) }
}

final class PROPSLearner: Learner {
    private let algorithm: PROPS
    private let setting: LearnerSetting
    private let target: MethodLearner
    /// D, the oldest first; the last `fresh` of them were collected since the target policy was trained.
    private var data: [RolloutBatch] = []
    private var fresh = 0

    var weights: Weights { target.weights }
    private(set) var behaviour: Weights

    init(_ algorithm: PROPS, _ setting: LearnerSetting) {
        self.algorithm = algorithm
        self.setting = setting
        target = MethodLearner(algorithm.target, setting)
        behaviour = target.weights.copy()
    }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        // A bad reward would wait in D for the target policy, and refuse all of its updates.
        guard allFinite(batch.reward) else { throw NonFiniteGradient(tensor: "a reward") }
        var (data, fresh) = (data + [batch], fresh + 1)
        let mark = target.mark()
        do {
            let joined = try data.count == 1 ? batch : RolloutBatch(concatenating: data)
            var report: LearnerReport?
            if fresh >= algorithm.collect {
                report = try target.update(joined, at: moment)
                fresh = 0
                data = Array(data.suffix((algorithm.rounds - 1) * algorithm.collect))
            }
            let movement = try moveBehaviour(report == nil ? joined : data.isEmpty ? nil : RolloutBatch(concatenating: data), moment)
            (self.data, self.fresh) = (data, fresh)
            guard var report else {
                return LearnerReport(
                    loss: movement?.loss ?? 0, gradientNorm: movement?.gradientNorm ?? 0, metrics: metrics(movement, joined))
            }
            report.metrics += metrics(movement, joined)
            return report
        } catch {
            target.returnTo(mark)
            throw error
        }
    }

    /// φ for the next batch.
    /// - Parameter data: nil where nothing was collected yet: φ is θ.
    private func moveBehaviour(_ data: RolloutBatch?, _ moment: Moment) throws -> LearnerReport? {
        let start = weights.copy()
        guard let data, algorithm.behaviourRate > 0 else {
            behaviour = start
            return nil
        }
        // An optimiser of its own each time: φ depends on θ and D alone.
        let learner = MethodLearner(algorithm.behaviour, setting, from: start)
        var moment = moment
        moment.learningRate = algorithm.behaviourRate
        let report = try learner.update(data, at: moment)
        behaviour = learner.weights
        return report
    }

    private func metrics(_ movement: LearnerReport?, _ data: RolloutBatch) -> [Metric] {
        let names = ["kl": "behaviour_kl", "gradient_steps": "behaviour_steps"]
        let moved = (movement?.metrics ?? []).compactMap { metric in names[metric.name].map { Metric($0, metric.value) } }
        return moved + [("collected_steps", Float(data.frames))]
    }

    var state: [Column] {
        var columns = target.state
        columns.append(Column("props.behaviour", behaviour.flat))
        columns.append(Column("props.fresh", Tensor(Float(fresh))))
        columns.append(Column("props.batches", Tensor(Float(data.count))))
        for (index, batch) in data.enumerated() { columns += batch.columns.map { $0.under("props.\(index).") } }
        return columns
    }

    func restore(_ state: [Column]) throws {
        let saved = try LearnerState(state)
        let behaviour = Weights(setting.network.layout)
        try saved.load("props.behaviour", into: behaviour.flat)
        let fresh = Int(try saved.scalar("props.fresh"))
        let data = try (0..<Int(try saved.scalar("props.batches"))).map {
            try RolloutBatch(columns: saved.columns(under: "props.\($0)."), observationSpace: setting.network.observationSpace)
        }
        try target.restore(state)
        (self.behaviour, self.fresh, self.data) = (behaviour, fresh, data)
    }
}

extension MethodEntry {
    static let props = MethodEntry(
        id: "props", kind: "actor–critic", summary: "PPO with a behaviour policy that catches up on actions the data has too few of",
        paper: "Corrado & Hanna 2024, arXiv:2311.08290", paperID: "S204",
        options: [
            .discount, .lambda, MethodOption("clip", 0.2, 0...1, "ε of PPO"), .epochs, .minibatches, .entropy, .value,
            MethodOption("target_kl", 0.03, 0...(.infinity), "PPO ends early at 1.5 times this KL divergence; 0: never"),
            .normalizesAdvantages(true),
            MethodOption("collect", 8, 1...65536, isWhole: true, "batches between two updates of the target policy"),
            MethodOption("rounds", 1, 1...1000, isWhole: true, "b: how many such rounds are trained on together"),
            MethodOption("behaviour_rate", 0.001, 0...10, "learning rate of the behaviour policy; 0: the target policy acts"),
            MethodOption("behaviour_epochs", 16, 1...1000, isWhole: true, "how often it goes over the data after each batch"),
            MethodOption("behaviour_minibatches", 4, 1...65536, isWhole: true, "gradient steps of such an epoch"),
            MethodOption("behaviour_clip", 0.3, 0...1, "ε of its ratio to the target policy"),
            MethodOption("behaviour_target_kl", 0.01, 0...(.infinity), "it ends early at 1.5 times this KL divergence; 0: never"),
            MethodOption("behaviour_kl", 0, 0...(.infinity), "coefficient of KL(π_θ ‖ π_φ)"),
        ],
        proof: Proof(
            claim: "Acting towards what the data lacks learns from fewer frames than acting with the target policy, PPO on the same batches",
            run: "cartpole",
            changes: [
                "network.separate_value=true", "actors.slots=8", "actors.unroll=16", "optimizer.learning_rate=0.003",
                "optimizer.schedule=constant", "stop.frames=100000", "method.id=props", "method.options.discount=0.99",
                "method.options.value=0.5",
            ],
            arms: [Proof.Arm("props"), Proof.Arm("on-policy", ["method.options.behaviour_rate=0"])],
            measure: .meanReturn, verdicts: [.better("props", than: "on-policy")])
    ) { option in
        PROPS(
            target: .ppo(
                discount: option("discount"), lambda: option("lambda"), clip: option("clip"), epochs: option.count("epochs"),
                minibatches: option.count("minibatches"), entropy: option("entropy"), value: option("value"),
                targetKL: option.unlessZero("target_kl"), normalizesAdvantages: option.flag("normalize_advantages")),
            behaviourClip: option("behaviour_clip"), behaviourKL: option("behaviour_kl"), behaviourRate: option("behaviour_rate"),
            behaviourEpochs: option.count("behaviour_epochs"), behaviourMinibatches: option.count("behaviour_minibatches"),
            behaviourTargetKL: option.unlessZero("behaviour_target_kl"), collect: option.count("collect"), rounds: option.count("rounds"))
    }
}
