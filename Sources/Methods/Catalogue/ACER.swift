import Networks
import Rollouts
import Tensors

/// Actor–critic with experience replay (Wang et al., 2017; B12) for one discrete choice. The network gives π(· | o) and Q(o, ·);
/// V(o) = Σ π Q, and Q̂ is Retrace's target (see `retrace`). With ρ(a) = π(a | o) / μ(a | o) of every action, the policy follows
///
///     g = min(c, ρ_t) (Q̂_t − V) ∇ log π(a_t) + Σ_a [1 − c / ρ(a)]₊ π(a) (Q(o, a) − V) ∇ log π(a) + entropy · ∇ H(π)
///
/// whose truncated first part has little variance, and whose second part, the bias correction, makes up for what the truncation takes
/// away: the sum of both is the policy gradient under π for any c. The gradient is taken with respect to the logits, where
/// Σ_a c_a ∇ log π(a) = c − π Σ c, and limited there by the trust region around a slowly following average policy π̄:
///
///     z = g − max(0, (k · g − δ) / |k|²) k,   k = ∇ KL(π̄ ‖ π) = π − π̄
///
/// before it goes on into the weights. The loss is −z · logits + ½ value (Q̂ − Q(o_t, a_t))², the mean over the steps; z and Q̂ are constants.
/// The paper and its implementations take g with respect to the probabilities; the logits are what the network gives.
///
/// Per step. Staleness class A: the correction is exact for data of any policy that is known in full.
public struct ACER: Algorithm {
    /// γ
    public var discount: Float
    /// λ of Retrace.
    public var lambda: Float
    /// c
    public var truncation: Float
    /// δ; infinite: no trust region.
    public var trustRegion: Float
    /// α: the average policy's weights are α of their own and 1 − α of the new ones after each gradient step.
    public var averaging: Float
    public var entropy: Float
    public var value: Float
    public var data: DataPlan

    public var staleness: Staleness { .any }
    public var networkID: String { "actor_q" }
    public var needsBehaviourPolicy: Bool { true }

    public init(
        discount: Float = 0.99, lambda: Float = 1, truncation: Float = 10, trustRegion: Float = 1, averaging: Float = 0.99,
        entropy: Float = 0.01, value: Float = 0.5, replay: ReplayPlan
    ) {
        self.discount = discount
        self.lambda = lambda
        self.truncation = truncation
        self.trustRegion = trustRegion
        self.averaging = averaging
        self.entropy = entropy
        self.value = value
        data = DataPlan(trainsOnLive: true, replay: replay)
    }

    public func learner(_ setting: LearnerSetting) throws -> any Learner {
        guard case .categorical = setting.network.distribution, setting.network.valuesActions else {
            throw MethodError(
                problem: "acer needs a policy over discrete actions and the value of each, and the network does not give both", place: "network.id",
                remedy: "Set network.id to auto or actor_q.")
        }
        return ACERLearner(self, setting)
    }

    /// - Parameters:
    ///   - parameters: tracked by a tape.
    ///   - constants: the same weights, not tracked.
    ///   - average: the average policy's.
    public func loss(
        _ batch: RolloutBatch, network: any PolicyNetwork, parameters: Parameters, constants: Parameters, average: Parameters
    ) -> (loss: Tensor, metrics: [Metric]) {
        guard case .choices(let actions) = batch.action else { preconditionFailure("acer with continuous actions") }
        let policy = Evaluation(batch, network, parameters: parameters, constants: constants)
        let (logits, q) = (policy.output.policy, policy.output.actionValues!)
        let unroll = network.stateCount > 0 ? Unroll(state: batch.recurrentState, begins: batch.begins) : nil
        let averaged = network(batch.observation.rows(0..<batch.frames), average, unroll: unroll).policy
        let taken = gather(q, actions)
        let stateValue = policy.value.detached
        let logProbs = logSoftmax(logits.detached)
        let logRatios = clamp(logProbs - logSoftmax(batch.behaviourPolicy), -20, 20)
        let ratio = exp(gather(logRatios, actions))
        let frame = [batch.steps, batch.slots]
        let target = retrace(
            batch, discount: discount, lambda: lambda, ratios: ratio.reshaped(frame), values: taken.detached.reshaped(frame),
            stateValues: stateValue, nextStateValues: policy.nextValue)
        let direction = self.direction(
            logProbs: logProbs, average: logSoftmax(averaged), ratios: exp(logRatios), actions: actions, q: q.detached,
            stateValue: stateValue, target: target)
        let weights = batch.weight.withBuffer { weight in
            Tensor((0..<batch.frames).map { weight[$0 % batch.slots] / Float(batch.frames) }, [batch.frames])
        }
        let policyLoss = -sum(weights * sumLastAxis(direction.z * logits))
        let valueLoss = sum(weights * (0.5 * square(target.reshaped([batch.frames]) - taken)))
        let metrics: [Metric] = [
            ("value_loss", valueLoss.scalar), ("entropy", mean(policy.entropy.detached).scalar), ("rho_mean", mean(ratio).scalar),
            ("rho_clipped_share", share(ratio, outside: -.infinity, truncation)), ("correction", direction.correction),
            ("trust_region_share", direction.limited), ("average_kl", direction.divergence),
            ("explained_variance", explainedVariance(of: target, by: taken.detached.reshaped(frame))),
        ]
        return (policyLoss + value * valueLoss, metrics)
    }
}

extension ACER {
    /// The paper's data: each update trains on the rollouts that have just arrived and then, `ratio` times as many steps, on whole rollouts
    /// of one slot each, drawn uniformly (B12). The paper draws the number of replayed batches from a Poisson distribution of mean 4; here
    /// the ratio holds exactly in the long run.
    public static func standard(
        discount: Float = 0.99, lambda: Float = 1, truncation: Float = 10, trustRegion: Float = 1, averaging: Float = 0.99,
        entropy: Float = 0.01, value: Float = 0.5
    ) -> ACER {
        var replay = ReplayPlan()
        replay.capacitySteps = 50_000
        replay.ratio = 4
        replay.minimumSteps = 1000
        return ACER(
            discount: discount, lambda: lambda, truncation: truncation, trustRegion: trustRegion, averaging: averaging, entropy: entropy,
            value: value, replay: replay)
    }
}

extension MethodEntry {
    static let acer = MethodEntry(
        id: "acer", kind: "actor–critic with action values",
        summary: "actor–critic with replay: Retrace, truncated ratios with bias correction, trust region", paper: "Wang et al. 2017, arXiv:1611.01224",
        paperID: "B12",
        options: [
            .discount, MethodOption("lambda", 1, 0...1, "λ of Retrace: 0 one-step targets, 1 as far as the ratios allow"),
            MethodOption("truncation", 10, 1e-3...(.infinity), "c: largest ratio π/μ in the policy gradient; what is above is corrected"),
            MethodOption("trust_region", 1, 0...(.infinity), "δ: how far the gradient may point away from the average policy; 0: not limited"),
            MethodOption("averaging", 0.99, 0...1, "α: how much of the average policy is left after a gradient step"), .entropy, .value,
        ],
        proof: Proof(
            claim: "replaying each step four times needs fewer environment steps than training on it once, each at its best learning rate",
            run: "cartpole", changes: ["method.id=acer", "optimizer.schedule=constant", "stop.frames=400000", "stop.return=400"],
            arms: [
                Proof.Arm("replay ratio 4", ["optimizer.learning_rate=0.005"]),
                Proof.Arm("replay ratio 0", ["replay.ratio=0", "optimizer.learning_rate=0.02"]),
            ],
            measure: .framesToReturn, verdicts: [.better("replay ratio 4", than: "replay ratio 0")], seeds: 10)
    ) { option in
        ACER.standard(
            discount: option("discount"), lambda: option("lambda"), truncation: option("truncation"),
            trustRegion: option.unlessZero("trust_region") ?? .infinity, averaging: option("averaging"), entropy: option("entropy"),
            value: option("value"))
    }
}
