import Networks
import Rollouts
import Tensors

/// Twin delayed deep deterministic policy gradient (Fujimoto et al., 2018; C02): a deterministic policy μ, with actions in [−1, 1], that
/// climbs a critic which is kept from overestimating. Per transition:
///
///     a′  = clip(μ′(o′) + clip(ε, −c, c), −1, 1),  ε ~ N(0, σ²)
///     y   = r + γ (1 − d) min(Q′₁, Q′₂)(o′, a′)
///     L_Q = (Q₁ − y)² + (Q₂ − y)²
///     L_μ = −Q₁(o, μ(o)),  every `policy_delay`-th update; then Q′ and μ′ follow by τ
///
/// y is a constant, and so are the critics' weights in L_μ. Actors explore with normal noise of σ = `exploration`, and of
/// σ = `warmup_noise` before the first update. Staleness class A: transitions of any age, which the replay mixes.
public struct TD3: Algorithm {
    public var discount: Float = 0.99
    /// τ
    public var follow: Float = 0.005
    /// Critic steps for each step of the policy.
    public var policyDelay = 2
    /// σ and c, as shares of half an action's range.
    public var targetNoise: Float = 0.2
    public var noiseClip: Float = 0.5
    /// Whether y takes the smaller of two critics' values; otherwise the first one's, as in DDPG.
    public var takesSmaller = true
    public var exploration: Float = 0.1
    public var warmupNoise: Float = 1
    /// The critics' learning rate, as a multiple of the policy's.
    public var criticRate: Float = 1

    public init() {}

    public var staleness: Staleness { .any }
    public var givesPriorities: Bool { true }
    public var networkID: String { "deterministic" }
    public var data: DataPlan { .transitions }

    public func learner(_ setting: LearnerSetting) throws -> any Learner {
        guard let network = setting.network as? any JudgedPolicy, case .gaussian = network.distribution else {
            throw MethodError(
                problem: "td3 trains a deterministic policy that critics judge, and the run's network is none", place: "network.id",
                remedy: "Set network.id to auto.")
        }
        return TD3Learner(self, network, setting)
    }
}

final class TD3Learner: Learner {
    private let td3: TD3
    private let network: any JudgedPolicy
    private let policy: Descent
    private let target: Weights
    private let critics: CriticPair
    private let seed: UInt64
    /// Critic steps since the policy's last one.
    private var age = 0

    var weights: Weights { policy.weights }

    init(_ td3: TD3, _ network: any JudgedPolicy, _ setting: LearnerSetting) {
        self.td3 = td3
        self.network = network
        seed = setting.seed
        policy = Descent(network.initialWeights(seed: setting.seed), setting.optimizer)
        policy.weights.setExploration(td3.warmupNoise, network.distribution)
        target = policy.weights.copy()
        critics = CriticPair(network.critic, setting.optimizer, seed: setting.seed)
    }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        let steps = Transitions(batch, discount: td3.discount)
        let constants = weights.parameters()
        // Observations are normalised as the policy of now does it, for its copy too.
        let (features, nextFeatures) = (network.features(steps.observation, constants), network.features(steps.next, constants))
        let noise = clamp(
            td3.targetNoise * moment.normals(seed: seed, use: 0, [batch.frames, network.actionSpace.count]), -td3.noiseClip, td3.noiseClip)
        let next = clamp(action(nextFeatures, target.parameters()) + noise, -1, 1)
        let y = steps.reward + steps.discount * critics.targetValue(nextFeatures, next, smaller: td3.takesSmaller)

        let movesPolicy = age + 1 >= td3.policyDelay
        // The policy's step may be refused, and then the critics' has not happened either.
        let mark = movesPolicy ? critics.mark() : nil
        let fit = try critics.fit(
            features, network.distribution.unit(batch.drawnVectors), to: y, weight: steps.weight,
            learningRate: moment.learningRate * td3.criticRate)
        var metrics: [Metric] = [("critic_loss", fit.loss), ("q_mean", fit.meanValue)]
        if let mark {
            do {
                let (loss, _) = try policy.step(learningRate: moment.learningRate) { parameters in
                    -mean(critics.critic.first(concatenate(features, action(features, parameters)), critics.constants))
                }
                metrics.append(("policy_loss", loss))
            } catch {
                critics.returnTo(mark)
                throw error
            }
            critics.follow(share: td3.follow)
            target.approach(policy.weights, share: td3.follow)
        }
        age = movesPolicy ? 0 : age + 1
        weights.setExploration(td3.exploration, network.distribution)
        return LearnerReport(
            loss: fit.loss, gradientNorm: fit.gradientNorm, metrics: metrics, priorities: batch.priorities(fit.errors))
    }

    /// μ, in [−1, 1].
    private func action(_ features: Tensor, _ parameters: Parameters) -> Tensor {
        network.distribution.unit(network.policy(features, parameters).policy)
    }

    var state: [Column] {
        policy.state.map { $0.under("policy.") } + critics.state.map { $0.under("critics.") }
            + [Column("target", target.flat), Column("age", Tensor(Float(age)))]
    }

    func restore(_ state: [Column]) throws {
        let restored = try LearnerState(state)
        try policy.restore(restored.columns(under: "policy."))
        try critics.restore(restored.columns(under: "critics."))
        try restored.load("target", into: target.flat)
        age = Int(try restored.scalar("age"))
    }
}

extension MethodEntry {
    static let td3 = MethodEntry(
        id: "td3", kind: "continuous Q", summary: "twin delayed deterministic policy gradient: replay, twin critics, smoothed targets",
        paper: "Fujimoto et al. 2018, arXiv:1802.09477", paperID: "C02",
        options: [
            .discount, .follow,
            MethodOption("policy_delay", 2, 1...1000, isWhole: true, "critic steps for each step of policy and copies"),
            MethodOption("target_noise", 0.2, 0...10, "σ of the noise on the target's action, as a share of half the range"),
            MethodOption("noise_clip", 0.5, 0...10, "where that noise is cut"),
            MethodOption("clipped_double", 1, 0...1, isFlag: true, "1 to learn from the smaller of two critics' values, 0 from the first one's"),
            MethodOption("exploration", 0.1, 1e-6...10, "σ of the actors' noise, as a share of half the range"),
            MethodOption("warmup_noise", 1, 1e-6...10, "σ of the actors' noise before the first update"),
            .criticRate,
        ], proof: .td3
    ) { option in
        var td3 = TD3()
        td3.discount = option("discount")
        td3.follow = option("tau")
        td3.policyDelay = option.count("policy_delay")
        td3.targetNoise = option("target_noise")
        td3.noiseClip = option("noise_clip")
        td3.takesSmaller = option.flag("clipped_double")
        td3.exploration = option("exploration")
        td3.warmupNoise = option("warmup_noise")
        td3.criticRate = option("critic_rate")
        return td3
    }
}
