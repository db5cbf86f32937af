import Networks
import Rollouts
import Tensors

/// The learner of `ACER`: one gradient step on each batch, after which the average policy follows.
final class ACERLearner: Learner {
    private let method: ACER
    private let network: any PolicyNetwork
    private let descent: Descent
    private let average: Weights

    var weights: Weights { descent.weights }

    init(_ method: ACER, _ setting: LearnerSetting) {
        self.method = method
        network = setting.network
        descent = Descent(network.initialWeights(seed: setting.seed), setting.optimizer)
        average = descent.weights.copy()
    }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        var metrics: [Metric] = []
        let (loss, norm) = try descent.step(learningRate: moment.learningRate) { parameters in
            let (loss, found) = method.loss(
                batch, network: network, parameters: parameters, constants: weights.parameters(), average: average.parameters())
            metrics = found
            return loss
        }
        let (old, new) = (method.averaging, 1 - method.averaging)
        weights.flat.withBuffer { current in
            average.flat.withMutableBuffer { average in for k in average.indices { average[k] = old * average[k] + new * current[k] } }
        }
        return LearnerReport(loss: loss, gradientNorm: norm, metrics: metrics)
    }

    var state: [Column] { descent.state + [Column("average.weights", average.flat)] }

    func restore(_ state: [Column]) throws {
        try descent.restore(state)
        try LearnerState(state).load("average.weights", into: average.flat)
    }
}
