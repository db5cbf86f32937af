import Networks
import Rollouts
import Tensors

/// The learner of `QLearning`: one gradient step on each batch, and a target network that is copied now and then.
final class QLearner: Learner {
    private let method: QLearning
    private let network: any PolicyNetwork
    private let descent: Descent
    private var target: Weights
    /// Gradient steps since the target network was copied.
    private var targetAge = 0

    var weights: Weights { descent.weights }

    init(_ method: QLearning, _ setting: LearnerSetting) {
        self.method = method
        network = setting.network
        descent = Descent(network.initialWeights(seed: setting.seed), setting.optimizer)
        target = descent.weights.copy()
    }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        var result: QLearning.BatchLoss?
        let (loss, norm) = try descent.step(learningRate: moment.learningRate) { parameters in
            let found = method.loss(
                batch, network: network, parameters: parameters, constants: weights.parameters(), target: target.parameters())
            result = found
            return found.loss
        }
        targetAge += 1
        if targetAge >= method.targetSteps { (target, targetAge) = (weights.copy(), 0) }
        return LearnerReport(loss: loss, gradientNorm: norm, metrics: result!.metrics, priorities: result!.priorities)
    }

    var state: [Column] {
        descent.state + [Column("target.weights", target.flat), Column("target.age", Tensor(Float(targetAge)))]
    }

    func restore(_ state: [Column]) throws {
        try descent.restore(state)
        let saved = try LearnerState(state)
        let restored = Weights(network.layout)
        try saved.load("target.weights", into: restored.flat)
        targetAge = Int(try saved.scalar("target.age"))
        target = restored
    }
}
