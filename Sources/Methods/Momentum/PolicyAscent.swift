import Networks
import Rollouts
import Tensors

/// What momentum methods share: a target policy that is moved by vectors, a behaviour policy at another point of the parameter space, and a
/// value function that is fitted on the side.
final class PolicyAscent {
    let method: Method
    let network: any PolicyNetwork
    let valueFit: ValueFit
    /// The target policy, and the value function's optimiser.
    let descent: Descent
    let behaviour: Weights
    private let seed: UInt64
    private var parts: ParameterParts?

    var weights: Weights { descent.weights }

    init(_ method: Method, valueFit: ValueFit, _ setting: LearnerSetting) {
        self.method = method
        self.valueFit = valueFit
        network = setting.network
        seed = setting.seed
        descent = Descent(network.initialWeights(seed: setting.seed), setting.optimizer)
        behaviour = descent.weights.copy()
    }

    /// The loss of a batch that the behaviour policy acted: credit from the value function as it is.
    func loss(_ batch: RolloutBatch, _ moment: Moment) -> PolicyLoss {
        let parts = parts ?? ParameterParts(network, batch)
        self.parts = parts
        let method = method.at(progress: moment.progress)
        let policy = Evaluation(batch, network, parameters: behaviour.parameters(), constants: behaviour.parameters())
        return PolicyLoss(
            method: method, network: network, batch: batch, constants: StepConstants(method, batch, policy, Proximal(policy)), parts: parts)
    }

    func fitValue(_ loss: PolicyLoss, at moment: Moment) throws(NonFiniteGradient) -> Metric {
        try valueFit(
            descent, network, loss.batch, targets: loss.constants.valueTarget, loss.parts, seed: seed, at: moment)
    }

    /// Writes the policy's part of a vector into the target policy.
    func move(to theta: [Float], _ parts: ParameterParts) { write(theta, parts, into: weights) }

    /// Makes the behaviour policy the target policy with another policy part.
    func act(at theta: [Float], _ parts: ParameterParts) {
        behaviour.flat.withMutableBuffer { target in weights.flat.withBuffer { _ = target.update(fromContentsOf: $0) } }
        write(theta, parts, into: behaviour)
    }

    private func write(_ theta: [Float], _ parts: ParameterParts, into weights: Weights) {
        weights.flat.withMutableBuffer { for range in parts.policy { for k in range { $0[k] = theta[k] } } }
    }

    /// Runs an update; on an error weights and optimiser go back to where they were.
    func attempt(_ update: () throws -> LearnerReport) throws -> LearnerReport {
        let mark = descent.mark()
        do { return try update() } catch {
            descent.returnTo(mark)
            throw error
        }
    }

    var state: [Column] { descent.state + [Column("behaviour", behaviour.flat)] }

    func restore(_ state: [Column]) throws {
        try descent.restore(state)
        try LearnerState(state).load("behaviour", into: behaviour.flat)
    }
}

extension LearnerState {
    /// A vector of numbers.
    func vector(_ name: String, count: Int) throws(LearnerStateError) -> [Float] {
        let tensor = Tensor(zeros: [count])
        try load(name, into: tensor)
        return tensor.values
    }
}

extension Column {
    init(_ name: String, _ vector: [Float]) { self.init(name, Tensor(vector, [vector.count])) }
}
