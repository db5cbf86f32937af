import Networks
import Rollouts
import Tensors

/// Soft actor–critic (Haarnoja et al., 2018; automatic temperature: arXiv:1812.05905; C01): the policy earns α for every nat of its
/// entropy. Per transition, with a = tanh u in (−1, 1) and log π its density there:
///
///     y   = r + γ (1 − d) (min(Q′₁, Q′₂)(o′, a′) − α log π(a′ | o′)),  a′ ~ π(· | o′)
///     L_Q = (Q₁ − y)² + (Q₂ − y)²
///     L_π = α log π(a | o) − min(Q₁, Q₂)(o, a),  a = tanh(mean + σ z)
///     L_α = −α (log π(a | o) + H),  H = target_entropy · A
///
/// One update takes a step of each in this order, with the critics of L_Q's step in L_π, and then lets Q′ follow Q by τ. y is a constant;
/// so are the critics' weights in L_π and log π in L_α. Staleness class A: transitions of any age, which the replay mixes.
public struct SAC: Algorithm {
    public var discount: Float = 0.99
    /// τ
    public var follow: Float = 0.005
    /// α, or where it begins.
    public var alpha: Float = 1
    /// Whether α is learned, so that the entropy comes to H.
    public var learnsAlpha = true
    /// H for each number of an action, in nats.
    public var targetEntropy: Float = -1
    /// The learning rate of critics and temperature, as a multiple of the policy's.
    public var criticRate: Float = 1

    public init() {}

    public var staleness: Staleness { .any }
    public var givesPriorities: Bool { true }
    public var networkID: String { "squashed_gaussian" }
    public var data: DataPlan { .transitions }

    public func learner(_ setting: LearnerSetting) throws -> any Learner {
        guard let network = setting.network as? any JudgedPolicy, case .tanhGaussian = network.distribution else {
            throw MethodError(
                problem: "sac trains a squashed policy that critics judge, and the run's network is none", place: "network.id",
                remedy: "Set network.id to auto.")
        }
        return SACLearner(self, network, setting)
    }
}

final class SACLearner: Learner {
    private let sac: SAC
    private let network: any JudgedPolicy
    private let policy: Descent
    private let critics: CriticPair
    private var temperature: Temperature
    private let seed: UInt64

    var weights: Weights { policy.weights }

    init(_ sac: SAC, _ network: any JudgedPolicy, _ setting: LearnerSetting) {
        self.sac = sac
        self.network = network
        seed = setting.seed
        policy = Descent(network.initialWeights(seed: setting.seed), setting.optimizer)
        critics = CriticPair(network.critic, setting.optimizer, seed: setting.seed)
        temperature = Temperature(
            sac.alpha, targetEntropy: sac.targetEntropy * Float(network.actionSpace.count), isLearned: sac.learnsAlpha)
    }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        let steps = Transitions(batch, discount: sac.discount)
        let shape = [batch.frames, network.actionSpace.count]
        let constants = weights.parameters()
        let (features, nextFeatures) = (network.features(steps.observation, constants), network.features(steps.next, constants))
        let alpha = temperature.alpha

        let next = network.distribution.drawn(
            network.policy(nextFeatures, constants), noise: moment.normals(seed: seed, use: 0, shape))
        let y = steps.reward + steps.discount * (critics.targetValue(nextFeatures, next.action) - alpha * next.logProb)
        // The policy's step may be refused, and then the critics' has not happened either.
        let mark = critics.mark()
        let fit = try critics.fit(
            features, network.distribution.unit(batch.drawnVectors), to: y, weight: steps.weight,
            learningRate: moment.learningRate * sac.criticRate)

        let noise = moment.normals(seed: seed, use: 1, shape)
        var entropy: Float = 0
        let loss: Float
        do {
            (loss, _) = try policy.step(learningRate: moment.learningRate) { parameters in
                let drawn = network.distribution.drawn(network.policy(features, parameters), noise: noise)
                let q = critics.critic(concatenate(features, drawn.action), critics.constants)
                entropy = -mean(drawn.logProb).scalar
                return mean(alpha * drawn.logProb - minimum(q.first, q.second))
            }
        } catch {
            critics.returnTo(mark)
            throw error
        }
        temperature.step(entropy: entropy, learningRate: moment.learningRate * sac.criticRate)
        critics.follow(share: sac.follow)
        return LearnerReport(
            loss: fit.loss, gradientNorm: fit.gradientNorm,
            metrics: [
                ("critic_loss", fit.loss), ("policy_loss", loss), ("alpha", alpha), ("entropy", entropy), ("q_mean", fit.meanValue),
            ], priorities: batch.priorities(fit.errors))
    }

    var state: [Column] {
        policy.state.map { $0.under("policy.") } + critics.state.map { $0.under("critics.") }
            + temperature.state.map { $0.under("temperature.") }
    }

    func restore(_ state: [Column]) throws {
        let restored = try LearnerState(state)
        try policy.restore(restored.columns(under: "policy."))
        try critics.restore(restored.columns(under: "critics."))
        try temperature.restore(restored.columns(under: "temperature."))
    }
}

extension MethodEntry {
    static let sac = MethodEntry(
        id: "sac", kind: "continuous Q", summary: "soft actor–critic: replay, twin critics, a policy that keeps its entropy",
        paper: "Haarnoja et al. 2018, arXiv:1801.01290", paperID: "C01",
        options: [
            .discount, .follow,
            MethodOption("alpha", 1, 0...1000, "α, what a nat of entropy is worth; where it begins if it is learned"),
            MethodOption("learn_alpha", 1, 0...1, isFlag: true, "1 to learn α so that the entropy comes to its target, 0 to keep it"),
            MethodOption("target_entropy", -1, -100...1, "the entropy that α is learned for, in nats for each number of an action"),
            .criticRate,
        ], proof: .sac
    ) { option in
        var sac = SAC()
        sac.discount = option("discount")
        sac.follow = option("tau")
        sac.alpha = option("alpha")
        sac.learnsAlpha = option.flag("learn_alpha")
        sac.targetEntropy = option("target_entropy")
        sac.criticRate = option("critic_rate")
        return sac
    }
}
