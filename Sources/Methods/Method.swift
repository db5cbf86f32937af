import Networks
import Rollouts
import Tensors

/// An actor–critic method, composed of its parts: credit, correction, objective, regularizers, the rule that aggregates them, and how an
/// update goes over its batch.
public struct Method: Algorithm {
    public let name: String
    public let staleness: Staleness
    /// γ
    public var discount: Float
    public var credit: any Credit
    /// Whether advantages are centred and scaled to variance 1 over the batch, or over each minibatch where credit is renewed. The value
    /// targets are never touched.
    public var normalizesAdvantages: Bool
    /// Advantages are limited to ± this, after they were normalised; infinite: they are not.
    public var advantageLimit: Float = .infinity
    /// nil: the objective is not weighted.
    public var correction: (any Correction)?
    /// π_prox
    public var anchor: Anchor
    public var objective: any Objective
    public var regularizers: [any Regularizer]
    public var aggregate: Aggregation
    public var plan: UpdatePlan
    public var data: DataPlan

    public init(
        _ name: String, staleness: Staleness, discount: Float, credit: any Credit, normalizesAdvantages: Bool = false,
        correction: (any Correction)? = nil, anchor: Anchor = .behaviour, objective: any Objective, regularizers: [any Regularizer],
        aggregate: Aggregation, plan: UpdatePlan = .single, data: DataPlan = .live
    ) {
        self.name = name
        self.staleness = staleness
        self.discount = discount
        self.credit = credit
        self.normalizesAdvantages = normalizesAdvantages
        self.correction = correction
        self.anchor = anchor
        self.objective = objective
        self.regularizers = regularizers
        self.aggregate = aggregate
        self.plan = plan
        self.data = data
    }

    /// The method after a share of the run, 0 … 1, with whatever is annealed at its value there.
    public func at(progress: Double) -> Method {
        var method = self
        method.regularizers = regularizers.map { $0.at(progress: progress) }
        return method
    }

    public func learner(_ setting: LearnerSetting) throws -> any Learner {
        try setting.requirePolicy(for: name)
        return MethodLearner(self, setting)
    }

    /// The loss of a whole batch in one piece, with credit under the weights given: what an update of a single gradient step minimises.
    /// - Parameters:
    ///   - parameters: tracked by a tape.
    ///   - constants: the same weights, not tracked.
    ///   - target: the parameters of the copy, where `anchor` is one.
    public func loss(
        _ batch: RolloutBatch, network: any PolicyNetwork, parameters: Parameters, constants: Parameters, target: Parameters? = nil
    ) -> (loss: Tensor, metrics: [Metric]) {
        loss(batch, network: network, parameters: parameters, constants: constants, target: target, ages: nil)
    }

    func loss(
        _ batch: RolloutBatch, network: any PolicyNetwork, parameters: Parameters, constants: Parameters, target: Parameters?,
        ages: AgeBuckets?
    ) -> (loss: Tensor, metrics: [Metric]) {
        let policy = Evaluation(batch, network, parameters: parameters, constants: constants)
        let proximal: Proximal? =
            switch anchor {
            case .behaviour: nil
            case .start: Proximal(policy)
            case .target: Proximal(Evaluation(batch, network, parameters: target ?? constants, constants: target ?? constants))
            }
        let constants = StepConstants(self, batch, policy, proximal, ages: ages)
        let (loss, metrics) = loss(
            constants.step(logProb: policy.logProb, entropy: policy.entropy, value: policy.value, policy.output, network.distribution),
            ages: ages)
        return (loss, metrics + constants.metrics)
    }

    /// The loss of some steps.
    /// - Parameter rows: which steps t · N + n of the batch they are; nil: all.
    func loss(_ step: PolicyStep, ages: AgeBuckets?, rows: [Int]? = nil) -> (loss: Tensor, metrics: [Metric]) {
        // Metrics are means over the steps, whatever the rule of the loss.
        let share = aggregate == .stepSum ? 1 / Float(step.logProb.count) : 1
        let surrogate = objective.loss(step)
        var loss = aggregate(step.weight.map { $0 * surrogate } ?? surrogate)
        var metrics: [Metric] = [("policy_loss", loss.scalar * share)]
        for regularizer in regularizers {
            let term = aggregate(regularizer.loss(step))
            metrics.append(regularizer.metric(term.scalar * share))
            loss = loss + regularizer.coefficient * term
        }
        if let clipped = objective.clipped(step) {
            let share = { (clipped: Tensor) -> [Metric] in [("clip_fraction", mean(clipped).scalar)] }
            metrics += share(clipped)
            metrics += ages?.metrics(of: clipped, rows: rows, share) ?? []
        }
        return (loss, metrics + objective.metrics(step))
    }
}

extension LearnerSetting {
    /// Refuses a network that gives the values of actions in place of a distribution over them.
    func requirePolicy(for method: String) throws(MethodError) {
        guard case .epsilonGreedy = network.distribution else { return }
        throw MethodError(
            problem: "\(method) trains a policy, and the network gives the values of actions", place: "network.id",
            remedy: "Set network.id to auto, or choose a method that learns action values.")
    }
}
