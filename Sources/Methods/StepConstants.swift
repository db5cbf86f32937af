import Networks
import Rollouts
import Tensors

/// What π_prox says of a batch, a constant.
struct Proximal {
    /// [T, N]
    let logProb: Tensor
    /// T · N rows
    let policy: PolicyOutput

    init(_ evaluation: Evaluation) {
        logProb = evaluation.logProb.detached
        policy = evaluation.output.snapshot
    }

    private init(logProb: Tensor, policy: PolicyOutput) {
        self.logProb = logProb
        self.policy = policy
    }

    /// Of some slots of the batch.
    func picked(_ rows: [Int], _ shape: [Int]) -> Proximal {
        Proximal(logProb: logProb.reshaped([logProb.count]).picked(rows).reshaped(shape), policy: policy.picked(rows))
    }
}

/// What is constant over the gradient steps of an update: advantages, targets, and what the older policies said. [T, N] each.
struct StepConstants {
    let advantage, valueTarget, behaviourLogProb, proximalLogProb, oldValue: Tensor
    let proximalPolicy: PolicyOutput?
    let weight: Tensor?
    let sequences: Sequences
    /// About credit and ratios, before any gradient step.
    let metrics: [Metric]

    /// - Parameters:
    ///   - policy: the target policy, whose values are taken.
    ///   - proximal: nil where it is the behaviour policy.
    ///   - ages: by which numbers are told apart; nil: by none.
    init(_ method: Method, _ batch: RolloutBatch, _ policy: Evaluation, _ proximal: Proximal?, ages: AgeBuckets? = nil) {
        behaviourLogProb = batch.behaviourLogProb
        proximalLogProb = proximal?.logProb ?? batch.behaviourLogProb
        oldValue = policy.value.detached
        proximalPolicy = proximal?.policy
        sequences = batch.sequences
        let ratios = importanceRatios(policy.logProb, behaviour: batch.behaviourLogProb)
        // With a target network, credit is given under that network's policy (B15).
        let corrected: Tensor
        if case .target = method.anchor {
            corrected = importanceRatios(proximalLogProb, behaviour: batch.behaviourLogProb)
        } else {
            corrected = ratios
        }
        let (advantage, valueTarget) = assignCredit(method, batch, policy, corrected)
        let scaled = method.normalizesAdvantages ? normalized(advantage) : advantage
        self.advantage = method.advantageLimit.isFinite ? clamp(scaled, -method.advantageLimit, method.advantageLimit) : scaled
        self.valueTarget = valueTarget
        var metrics = ratioMetrics(ratios)
        metrics += ages?.metrics(of: ratios) { [("effective_sample_size", effectiveSampleSize($0))] } ?? []
        let creditMetrics = { (ratios: Tensor) in ratios.withBuffer { method.credit.metrics(ratios: $0) } }
        metrics += creditMetrics(corrected)
        metrics += ages?.metrics(of: corrected, creditMetrics) ?? []
        metrics.append(("advantage_mean", mean(advantage).scalar))
        metrics.append(("explained_variance", explainedVariance(of: valueTarget, by: oldValue)))
        if let correction = method.correction {
            let logRatio = clamp(proximalLogProb - behaviourLogProb, -20, 20)
            let weight = correction.weights(logRatio, sequences)
            metrics += correction.metrics(logRatio, weight)
            if let truncated = correction.truncated(logRatio, sequences) {
                let share = { (truncated: Tensor) -> [Metric] in [("correction_truncated_share", mean(truncated).scalar)] }
                metrics += share(truncated)
                metrics += ages?.metrics(of: truncated, share) ?? []
            }
            self.weight = weight
        } else {
            weight = nil
        }
        self.metrics = metrics
    }

    /// All steps, with what the target policy says of them now.
    func step(
        logProb: Tensor, entropy: Tensor, value: Tensor, _ policy: PolicyOutput, _ distribution: ActionDistribution
    ) -> PolicyStep {
        PolicyStep(
            logProb: logProb, entropy: entropy, value: value, policy: policy, distribution: distribution, advantage: advantage,
            valueTarget: valueTarget, behaviourLogProb: behaviourLogProb, proximalLogProb: proximalLogProb, oldValue: oldValue,
            proximalPolicy: proximalPolicy, weight: weight, sequences: sequences)
    }

    /// Some steps: [n] each.
    /// - Parameter sequences: where the sequences are in them; nil where they were shuffled.
    func step(
        _ rows: [Int], logProb: Tensor, entropy: Tensor, value: Tensor, _ policy: PolicyOutput, _ distribution: ActionDistribution,
        sequences: Sequences?
    ) -> PolicyStep {
        func some(_ x: Tensor) -> Tensor { x.reshaped([x.count]).picked(rows) }
        return PolicyStep(
            logProb: logProb, entropy: entropy, value: value, policy: policy, distribution: distribution, advantage: some(advantage),
            valueTarget: some(valueTarget), behaviourLogProb: some(behaviourLogProb), proximalLogProb: some(proximalLogProb),
            oldValue: some(oldValue), proximalPolicy: proximalPolicy?.picked(rows), weight: weight.map(some), sequences: sequences)
    }
}

/// Advantages and value targets, [T, N] each, slot by slot.
private func assignCredit(
    _ method: Method, _ batch: RolloutBatch, _ policy: Evaluation, _ ratios: Tensor
) -> (advantage: Tensor, valueTarget: Tensor) {
    let slots = batch.slots
    let discounts = Tensor([batch.steps, slots]) { discounts in
        for index in 0..<discounts.count { discounts[index] = batch.terminated[index] != 0 ? 0 : method.discount }
    }
    let advantage = Tensor([batch.steps, slots]) { _ in }
    let valueTarget = Tensor([batch.steps, slots]) { _ in }
    batch.truncated.withUnsafeBufferPointer { truncated in
        withBuffers(batch.reward, discounts, policy.value, policy.nextValue, ratios) { reward, discount, value, nextValue, ratio in
            advantage.withMutableBuffer { advantages in
                valueTarget.withMutableBuffer { valueTargets in
                    for slot in 0..<slots {
                        method.credit.assign(
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
