import Networks
import Rollouts
import Tensors

/// Fits a value function to targets, ½ (target − V(o))² per step, by gradient steps that leave the policy as it is: see `ParameterParts`.
public struct ValueFit: Sendable, Hashable {
    /// How often each step is trained on.
    public var epochs: Int
    /// Into how many parts each epoch is divided; one gradient step each.
    public var minibatches: Int

    public init(epochs: Int = 5, minibatches: Int = 4) {
        self.epochs = epochs
        self.minibatches = minibatches
    }

    /// - Parameter targets: [T, N], constants.
    /// - Returns: the mean of the loss over the gradient steps.
    func callAsFunction(
        _ descent: Descent, _ network: any PolicyNetwork, _ batch: RolloutBatch, targets: Tensor, _ parts: ParameterParts, seed: UInt64,
        at moment: Moment
    ) throws(NonFiniteGradient) -> Metric {
        let targets = targets.reshaped([targets.count])
        let begins = batch.begins
        var means = MetricMeans()
        for epoch in 0..<epochs {
            for part in Minibatch.parts(
                of: batch, count: minibatches, inWholeSlots: network.stateCount > 0, seed: seed, at: moment, epoch: epoch)
            {
                let unroll = part.slots.map { Unroll(state: batch.recurrentState.picked($0), begins: part.rows.map { begins[$0] }) }
                descent.weights.zeroGradient()
                let tape = Tape()
                let value = network(batch.observation.picked(part.rows), descent.weights.parameters(on: tape), unroll: unroll).value
                let loss = 0.5 * mean(square(targets.picked(part.rows) - value))
                tape.backward(loss)
                descent.weights.keepGradient(of: parts.value)
                means.add([("value_loss", try descent.step(learningRate: moment.learningRate, loss: loss.scalar).loss)])
            }
        }
        return ("value_loss", means["value_loss"] ?? 0)
    }
}
