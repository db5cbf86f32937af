import Networks
import Rollouts
import Tensors

/// The learner of a `Method`: epochs of minibatches over a batch, each a gradient step.
final class MethodLearner: Learner {
    private let recipe: Method
    /// The recipe as it is at the moment of the update.
    private var method: Method
    private let network: any PolicyNetwork
    private let descent: Descent
    private let seed: UInt64
    /// The copy that `Anchor.target` asks for.
    private var target: (weights: Weights, age: Int)?

    var weights: Weights { descent.weights }

    /// - Parameter weights: where to begin; nil: at the network's initial weights.
    init(_ method: Method, _ setting: LearnerSetting, from weights: Weights? = nil) {
        recipe = method
        self.method = method
        network = setting.network
        seed = setting.seed
        descent = Descent(weights ?? network.initialWeights(seed: setting.seed), setting.optimizer)
        if case .target = method.anchor { target = (descent.weights.copy(), 0) }
    }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        method = recipe.at(progress: moment.progress)
        let report = try method.plan.isSingle ? oneStep(batch, moment) : manySteps(batch, moment)
        renewTarget()
        return report
    }

    private func renewTarget() {
        guard case .target(let every) = method.anchor, var target else { return }
        target.age += 1
        if target.age >= every { target = (weights.copy(), 0) }
        self.target = target
    }

    /// One gradient step over the whole batch; credit comes from the same pass.
    private func oneStep(_ batch: RolloutBatch, _ moment: Moment) throws -> LearnerReport {
        var metrics: [Metric] = []
        let (loss, norm) = try descent.step(learningRate: moment.learningRate) { parameters in
            let (loss, found) = method.loss(
                batch, network: network, parameters: parameters, constants: weights.parameters(), target: target?.weights.parameters(),
                ages: AgeBuckets(batch, at: moment.version))
            metrics = found
            return loss
        }
        return LearnerReport(loss: loss, gradientNorm: norm, metrics: metrics)
    }

    /// Epochs of minibatches. On an error everything goes back to where it was.
    private func manySteps(_ batch: RolloutBatch, _ moment: Moment) throws -> LearnerReport {
        let mark = descent.mark()
        do { return try epochs(batch, moment) } catch {
            descent.returnTo(mark)
            throw error
        }
    }

    private func epochs(_ batch: RolloutBatch, _ moment: Moment) throws -> LearnerReport {
        let old = evaluate(batch, weights)
        let proximal: Proximal? =
            switch method.anchor {
            case .behaviour: nil
            case .start: Proximal(old)
            case .target: Proximal(evaluate(batch, target!.weights))
            }
        let ages = AgeBuckets(batch, at: moment.version)
        let constants = StepConstants(method, batch, old, proximal, ages: ages)
        let inWholeSlots = network.stateCount > 0 || method.plan.renewsCredit || method.objective.needsSequences
        var means = MetricMeans()
        epochs: for epoch in 0..<method.plan.epochs {
            let parts = Minibatch.parts(
                of: batch, count: method.plan.minibatches, inWholeSlots: inWholeSlots, seed: seed, at: moment, epoch: epoch)
            for part in parts {
                var metrics: [Metric] = []
                let (loss, norm) = try descent.step(learningRate: moment.learningRate) { parameters in
                    let (loss, found) =
                        method.plan.renewsCredit
                        ? self.renewedLoss(batch, part, proximal, ages, parameters)
                        : self.loss(batch, part, constants, ages, parameters)
                    metrics = found
                    return loss
                }
                means.add([("loss", loss), ("gradient_norm", norm)] + metrics)
                if let target = method.plan.targetKL, metrics.first(where: { $0.name == "kl" })!.value > 1.5 * target { break epochs }
            }
        }
        return LearnerReport(
            loss: means["loss"]!, gradientNorm: means["gradient_norm"]!,
            metrics: means.metrics(without: ["loss", "gradient_norm"]) + (method.plan.renewsCredit ? [] : constants.metrics)
                + [("gradient_steps", Float(means.count))])
    }

    /// The loss of a minibatch with the credit of the update's start.
    private func loss(
        _ batch: RolloutBatch, _ part: Minibatch, _ constants: StepConstants, _ ages: AgeBuckets, _ parameters: Parameters
    ) -> (loss: Tensor, metrics: [Metric]) {
        var unroll: Unroll?
        if let slots = part.slots, network.stateCount > 0 {
            let begins = batch.begins
            unroll = Unroll(state: batch.recurrentState.picked(slots), begins: part.rows.map { begins[$0] })
        }
        let output = network(batch.observation.picked(part.rows), parameters, unroll: unroll)
        let action = batch.action.picked(part.rows, of: batch.frames)
        let step = constants.step(
            part.rows, logProb: network.distribution.logProb(of: action, output),
            entropy: network.distribution.entropy(output, at: action), value: output.value, output, network.distribution,
            sequences: part.slots.map { batch.sequences.slots($0) })
        let (loss, metrics) = method.loss(step, ages: ages, rows: part.rows)
        return (loss, metrics + movement(step))
    }

    /// The loss of a minibatch of whole slots with credit under the policy as it is now.
    private func renewedLoss(
        _ batch: RolloutBatch, _ part: Minibatch, _ proximal: Proximal?, _ ages: AgeBuckets, _ parameters: Parameters
    ) -> (loss: Tensor, metrics: [Metric]) {
        let slots = batch.slots(part.slots!)
        let policy = Evaluation(slots, network, parameters: parameters, constants: weights.parameters())
        let constants = StepConstants(
            method, slots, policy, proximal?.picked(part.rows, [slots.steps, slots.slots]), ages: ages.slots(part.slots!))
        let step = constants.step(
            logProb: policy.logProb, entropy: policy.entropy, value: policy.value, policy.output, network.distribution)
        let (loss, metrics) = method.loss(step, ages: ages, rows: part.rows)
        return (loss, metrics + movement(step) + constants.metrics)
    }

    private func evaluate(_ batch: RolloutBatch, _ weights: Weights) -> Evaluation {
        Evaluation(batch, network, parameters: weights.parameters(), constants: weights.parameters())
    }

    /// How far the policy has moved from π_prox: an unbiased estimate of KL(π_prox ‖ π) on π_prox's actions (Schulman, 2020, k3).
    private func movement(_ step: PolicyStep) -> [Metric] {
        let logRatio = clamp(step.logProb.detached - step.proximalLogProb, -20, 20)
        return [("kl", mean(exp(logRatio) - logRatio).scalar - 1)]
    }

    /// Weights and optimiser as they are now, to go back to.
    func mark() -> Descent.Mark { descent.mark() }
    func returnTo(_ mark: Descent.Mark) { descent.returnTo(mark) }

    // MARK: State

    var state: [Column] {
        var columns = descent.state
        if let target {
            columns.append(Column("target.weights", target.weights.flat))
            columns.append(Column("target.age", Tensor(Float(target.age))))
        }
        return columns
    }

    func restore(_ state: [Column]) throws {
        try descent.restore(state)
        guard target != nil else { return }
        let restored = try LearnerState(state)
        let weights = Weights(network.layout)
        try restored.load("target.weights", into: weights.flat)
        target = (weights, Int(try restored.scalar("target.age")))
    }
}
