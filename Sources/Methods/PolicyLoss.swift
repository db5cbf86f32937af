import Networks
import Rollouts
import Tensors

/// The loss of a method over a whole batch as a function of the policy's parameters alone: credit and π_prox are constants.
struct PolicyLoss {
    let method: Method
    let network: any PolicyNetwork
    let batch: RolloutBatch
    let constants: StepConstants
    let parts: ParameterParts

    /// The loss at some parameters, with what the network says there.
    /// - Parameter scale: [T, N], multiplies each step's objective; nil: 1.
    func callAsFunction(
        _ parameters: Parameters, scale: ((PolicyStep) -> Tensor)? = nil
    ) -> (loss: Tensor, metrics: [Metric], output: PolicyOutput) {
        let output = network.evaluate(batch, parameters)
        let shape = [batch.steps, batch.slots]
        var step = constants.step(
            logProb: network.distribution.logProb(of: batch.action, output).reshaped(shape),
            entropy: network.distribution.entropy(output, at: batch.action).reshaped(shape), value: output.value.reshaped(shape), output,
            network.distribution)
        if let scale { step.weight = step.weight.map { $0 * scale(step) } ?? scale(step) }
        let (loss, metrics) = method.loss(step, ages: nil)
        return (loss, metrics, output)
    }

    /// The loss at some weights and its gradient, which is 0 for everything that is not the policy's. It stands in the weights' gradient, too.
    func gradient(
        at weights: Weights, scale: ((PolicyStep) -> Tensor)? = nil
    ) throws(NonFiniteGradient) -> (gradient: [Float], loss: Float, metrics: [Metric]) {
        weights.zeroGradient()
        let tape = Tape()
        let (loss, metrics, _) = self(weights.parameters(on: tape), scale: scale)
        tape.backward(loss)
        weights.keepGradient(of: parts.policy)
        guard loss.scalar.isFinite else { throw NonFiniteGradient(tensor: "the policy's loss") }
        guard allFinite(weights.gradient) else { throw NonFiniteGradient(tensor: "the policy's gradient") }
        return (weights.gradient.values, loss.scalar, metrics)
    }
}
