import Networks
import Platform
import Rollouts
import Tensors

/// Mirror descent policy optimisation, off-policy (Tomar et al., 2022; S019), for discrete actions, where every expectation over them is exact.
/// Per replayed step, with twin critics Q_i and slow copies Q_i':
///
///     y = r + γ Σ_a' π(a' | o') (min_i Q_i'(o', a') − λ log π(a' | o')),   0 in place of the sum where the task terminated
///     critics: ½ (y − Q_i(o, a))²
///     policy:  Σ_a π(a | o) (λ log π(a | o) − min_i Q_i(o, a)) + (1/t) KL(π(· | o) ‖ π_k(· | o))
///
/// y, and in the policy's loss Q, are constants. π_k is a copy of the policy that is renewed after every `anchorEvery` gradient steps. With 1/t = 0
/// the policy's loss is that of discrete SAC. The critics are networks of the policy's kind with weights of their own, whose logits are
/// the action values.
///
/// Staleness class A: data of any age.
public struct MDPOOff: Algorithm {
    public var discount: Float
    /// λ
    public var temperature: Float
    /// 1/t
    public var divergence: Float
    public var anchorEvery: Int
    /// τ: the share of a critic that enters its slow copy after each gradient step.
    public var tau: Float
    public var data: DataPlan

    public init(
        discount: Float = 0.99, temperature: Float = 0.2, divergence: Float = 0.8, anchorEvery: Int = 1000, tau: Float = 0.005,
        ratio: Double = 8
    ) {
        self.discount = discount
        self.temperature = temperature
        self.divergence = divergence
        self.anchorEvery = anchorEvery
        self.tau = tau
        var plan = ReplayPlan()
        (plan.sequences, plan.capacitySteps, plan.minimumSteps, plan.ratio) = (16, 100_000, 1000, ratio)
        data = .replayed(plan)
    }

    public var staleness: Staleness { .any }

    public func learner(_ setting: LearnerSetting) throws -> any Learner {
        guard case .categorical = setting.network.distribution, setting.network.stateCount == 0, !setting.network.normalizesObservations else {
            throw MethodError(
                problem: "mdpo-off needs one discrete choice per step and a network without memory and normaliser", place: "method.id",
                remedy: "Set network.memory to none and network.normalize_observations to false, or choose method.id mdpo.")
        }
        return MDPOOffLearner(self, setting)
    }
}

final class MDPOOffLearner: Learner {
    private let algorithm: MDPOOff
    private let network: any PolicyNetwork
    private let policy: Descent
    private let critics: [Descent]
    /// The critics' slow copies.
    private let slow: [Weights]
    /// π_k and how many gradient steps it is old.
    private let anchor: Weights
    private var age = 0

    var weights: Weights { policy.weights }

    init(_ algorithm: MDPOOff, _ setting: LearnerSetting) {
        self.algorithm = algorithm
        network = setting.network
        policy = Descent(network.initialWeights(seed: setting.seed), setting.optimizer)
        critics = [UInt64(1), 2].map { number in
            Descent(setting.network.initialWeights(seed: setting.seed &+ number << 32), setting.optimizer)
        }
        slow = critics.map { $0.weights.copy() }
        anchor = policy.weights.copy()
    }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        let marks = ([policy] + critics).map { ($0, $0.mark()) }
        do { return try train(batch, moment) } catch {
            for (descent, mark) in marks { descent.returnTo(mark) }
            throw error
        }
    }

    private func train(_ batch: RolloutBatch, _ moment: Moment) throws -> LearnerReport {
        let observation = batch.observation.rows(0..<batch.frames)
        guard case .choices(let choices) = batch.action else { preconditionFailure("continuous actions of a discrete policy") }
        let target = targets(batch)
        var valueLoss: Float = 0
        for critic in critics {
            let (loss, _) = try critic.step(learningRate: moment.learningRate) { parameters in
                0.5 * mean(square(target - gather(network(observation, parameters, unroll: nil).policy, choices)))
            }
            valueLoss += loss / 2
        }
        let values = smallest(observation, critics.map(\.weights))
        let old = network(observation, anchor.parameters(), unroll: nil)
        var metrics: [Metric] = [("value_loss", valueLoss), ("q_mean", mean(values).scalar)]
        let (loss, norm) = try policy.step(learningRate: moment.learningRate) { parameters in
            let output = network(observation, parameters, unroll: nil)
            let entropy = mean(network.distribution.entropy(output, at: batch.action))
            let divergence = mean(network.distribution.klDivergence(output, old))
            metrics += [("entropy", entropy.scalar), ("kl_reverse", divergence.scalar)]
            let value = mean(sumLastAxis(exp(logSoftmax(output.policy)) * values))
            return algorithm.divergence * divergence - algorithm.temperature * entropy - value
        }
        for (copy, critic) in zip(slow, critics) { follow(copy, critic.weights) }
        age += 1
        if age >= algorithm.anchorEvery {
            age = 0
            weights.flat.withBuffer { from in anchor.flat.withMutableBuffer { _ = $0.update(fromContentsOf: from) } }
        }
        return LearnerReport(loss: loss, gradientNorm: norm, metrics: metrics)
    }

    /// y of every step, [T · N].
    private func targets(_ batch: RolloutBatch) -> Tensor {
        let values = softValues(batch.observation)
        let cut = batch.finalIndex.indices.filter { batch.truncated[Int(batch.finalIndex[$0])] != 0 }
        let final = cut.isEmpty ? [] : softValues(batch.finalObservation.picked(cut))
        // What follows a step stands one row further, but for what follows the end of an episode.
        var next = Array(values[batch.slots...])
        for (k, end) in cut.enumerated() { next[Int(batch.finalIndex[end])] = final[k] }
        return batch.reward.withBuffer { reward in
            Tensor([batch.frames]) { target in
                for k in 0..<batch.frames { target[k] = reward[k] + (batch.terminated[k] != 0 ? 0 : algorithm.discount * next[k]) }
            }
        }
    }

    /// Σ_a π(a | o) (min_i Q_i'(o, a) − λ log π(a | o)) of every row.
    private func softValues(_ observation: Observations) -> [Float] {
        let logits = network(observation, weights.parameters(), unroll: nil).policy
        let logProbabilities = clamp(logSoftmax(logits), -1e4, 0)
        return sumLastAxis(exp(logProbabilities) * (smallest(observation, slow) - algorithm.temperature * logProbabilities)).values
    }

    /// min_i Q_i(o, ·), [rows, A]
    private func smallest(_ observation: Observations, _ critics: [Weights]) -> Tensor {
        let values = critics.map { network(observation, $0.parameters(), unroll: nil).policy }
        return minimum(values[0], values[1])
    }

    private func follow(_ copy: Weights, _ weights: Weights) {
        weights.flat.withBuffer { from in
            copy.flat.withMutableBuffer { for k in $0.indices { $0[k] += algorithm.tau * (from[k] - $0[k]) } }
        }
    }

    var state: [Column] {
        var columns = policy.state
        columns.append(Column("anchor.weights", anchor.flat))
        columns.append(Column("anchor.age", Tensor(Float(age))))
        for (index, critic) in critics.enumerated() {
            columns.append(Column("critic.\(index).weights", critic.weights.flat))
            columns.append(Column("critic.\(index).slow", slow[index].flat))
            columns += critic.state.map { $0.under("critic.\(index).optimizer.") }
        }
        return columns
    }

    func restore(_ state: [Column]) throws {
        let saved = try LearnerState(state)
        try policy.restore(state)
        for (index, critic) in critics.enumerated() {
            try saved.load("critic.\(index).weights", into: critic.weights.flat)
            try saved.load("critic.\(index).slow", into: slow[index].flat)
            try critic.restore(saved.columns(under: "critic.\(index).optimizer."))
        }
        try saved.load("anchor.weights", into: anchor.flat)
        age = Int(try saved.scalar("anchor.age"))
    }
}

extension MethodEntry {
    static let mdpoOff = MethodEntry(
        id: "mdpo-off", kind: "soft actor–critic",
        summary: "mirror descent on replayed data: discrete soft actor–critic, held near an older policy by an exact KL",
        paper: "Tomar et al. 2022, arXiv:2005.09814", paperID: "S019",
        options: [
            .discount, MethodOption("temperature", 0.2, 0...100, "λ: what a nat of entropy is worth in rewards"),
            MethodOption("kl", 0.8, 0...(.infinity), "1/t: coefficient of the KL to the older policy; 0 is discrete SAC"),
            MethodOption("anchor_every", 1000, 1...1e9, isWhole: true, "gradient steps after which the older policy is renewed"),
            MethodOption("tau", 0.005, 0...1, "the share of a critic that enters its slow copy after each gradient step"),
            MethodOption("ratio", 8, 0.001...1000, "steps trained on per step acted"),
        ],
        proof: Proof(
            claim: "Staying near an older policy does not cost: at least nine tenths of discrete SAC's return averaged over training",
            run: "cartpole",
            changes: [
                "method.id=mdpo-off", "method.options.discount=0.99", "method.options.anchor_every=100", "method.options.tau=0.1",
                "method.options.ratio=16", "actors.slots=4", "optimizer.learning_rate=0.001", "optimizer.schedule=constant",
                "stop.frames=30000",
            ],
            arms: [Proof.Arm("mdpo-off"), Proof.Arm("sac", ["method.options.kl=0"])],
            measure: .meanReturn, verdicts: [.atLeast(0.9, "mdpo-off", of: "sac")])
    ) { option in
        MDPOOff(
            discount: option("discount"), temperature: option("temperature"), divergence: option("kl"),
            anchorEvery: option.count("anchor_every"), tau: option("tau"), ratio: Double(option("ratio")))
    }
}
