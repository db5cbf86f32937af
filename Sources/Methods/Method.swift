import Networks
import Rollouts
import Tensors

/// An actor–critic method, composed of its parts: credit, objective, regularizers and the rule that aggregates them.
public struct Method: Algorithm {
    public let name: String
    /// Where the method comes from.
    public let paper: String
    public let staleness: Staleness
    /// γ
    public var discount: Float
    public var credit: any Credit
    /// Whether advantages are centred and scaled to variance 1 over the batch. The value targets are never touched.
    public var normalizesAdvantages: Bool
    public var objective: any Objective
    public var regularizers: [any Regularizer]
    public var aggregate: Aggregation

    public init(
        _ name: String, paper: String, staleness: Staleness, discount: Float, credit: any Credit, normalizesAdvantages: Bool = false,
        objective: any Objective, regularizers: [any Regularizer], aggregate: Aggregation
    ) {
        self.name = name
        self.paper = paper
        self.staleness = staleness
        self.discount = discount
        self.credit = credit
        self.normalizesAdvantages = normalizesAdvantages
        self.objective = objective
        self.regularizers = regularizers
        self.aggregate = aggregate
    }

    public func loss(
        _ batch: RolloutBatch, network: any PolicyNetwork, parameters: Parameters, constants: Parameters
    ) -> (loss: Tensor, metrics: [Metric]) {
        let policy = Evaluation(batch, network, parameters: parameters, constants: constants)
        let ratios = importanceRatios(policy.logProb, behaviour: batch.behaviourLogProb)
        let (advantage, valueTarget) = assignCredit(batch, policy, ratios)
        let step = PolicyStep(
            logProb: policy.logProb, entropy: policy.entropy, value: policy.value,
            advantage: normalizesAdvantages ? normalized(advantage) : advantage, valueTarget: valueTarget,
            behaviourLogProb: batch.behaviourLogProb)

        // Metrics are means over the steps, whatever the rule of the loss.
        let share = aggregate == .stepSum ? 1 / Float(batch.frames) : 1
        var loss = aggregate(objective.loss(step))
        var metrics: [Metric] = [("policy_loss", loss.scalar * share)]
        for regularizer in regularizers {
            let term = aggregate(regularizer.loss(step))
            metrics.append(regularizer.metric(term.scalar * share))
            loss = loss + regularizer.coefficient * term
        }
        metrics += ratioMetrics(ratios)
        metrics += ratios.withBuffer { credit.metrics(ratios: $0) }
        metrics.append(("advantage_mean", mean(advantage).scalar))
        metrics.append(("explained_variance", explainedVariance(of: valueTarget, by: policy.value.detached)))
        return (loss, metrics)
    }

    /// Advantages and value targets, [T, N] each, slot by slot.
    private func assignCredit(_ batch: RolloutBatch, _ policy: Evaluation, _ ratios: Tensor) -> (advantage: Tensor, valueTarget: Tensor) {
        let slots = batch.slots
        let discounts = Tensor([batch.steps, slots]) { discounts in
            for index in 0..<discounts.count { discounts[index] = batch.terminated[index] != 0 ? 0 : discount }
        }
        let advantage = Tensor([batch.steps, slots]) { _ in }
        let valueTarget = Tensor([batch.steps, slots]) { _ in }
        batch.truncated.withUnsafeBufferPointer { truncated in
            withBuffers(batch.reward, discounts, policy.value, policy.nextValue, ratios) { reward, discount, value, nextValue, ratio in
                advantage.withMutableBuffer { advantages in
                    valueTarget.withMutableBuffer { valueTargets in
                        for slot in 0..<slots {
                            credit.assign(
                                CreditSequence(
                                    rewards: Strided(reward, slot: slot, of: slots), discounts: Strided(discount, slot: slot, of: slots),
                                    truncated: Strided(truncated, slot: slot, of: slots), values: Strided(value, slot: slot, of: slots),
                                    nextValues: Strided(nextValue, slot: slot, of: slots)),
                                ratios: Strided(ratio, slot: slot, of: slots),
                                advantages: MutableStrided(advantages, slot: slot, of: slots),
                                valueTargets: MutableStrided(valueTargets, slot: slot, of: slots))
                        }
                    }
                }
            }
        }
        return (advantage, valueTarget)
    }
}

/// The values of five tensors at once.
private func withBuffers(
    _ a: Tensor, _ b: Tensor, _ c: Tensor, _ d: Tensor, _ e: Tensor,
    _ body: (
        UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>,
        UnsafeBufferPointer<Float>
    ) -> Void
) {
    a.withBuffer { a in b.withBuffer { b in c.withBuffer { c in d.withBuffer { d in e.withBuffer { e in body(a, b, c, d, e) } } } } }
}
