import Networks
import Rollouts
import Tensors

/// Products F v of a policy's Fisher information with directions in the space of the network's parameters, averaged over a batch's steps.
///
/// In the form of Gauss and Newton, F = Jᵀ M J, which is exact for the Fisher information: M is that of the distribution in the space of the
/// network's outputs (`ActionDistribution.fisherProduct`), J v the derivative of the outputs along v, by a central difference of two
/// evaluations, and Jᵀ the tape's. Parameters that the policy does not depend on have zeros in F v, exactly. In single precision the relative error is
/// below 10⁻³.
public struct FisherProduct {
    private let network: any PolicyNetwork
    private let batch: RolloutBatch
    private let origin: [Float]
    private let output: PolicyOutput
    /// Weights to evaluate elsewhere with.
    private let probe: Weights
    /// The length of the step to either side: far above rounding (10⁻⁷), and its square far below 1.
    private let length = 0.02

    /// - Parameter weights: where F is taken; they may change afterwards.
    public init(_ network: any PolicyNetwork, _ batch: RolloutBatch, at weights: Weights) {
        self.network = network
        self.batch = batch
        origin = weights.flat.values
        probe = weights.copy()
        output = network.evaluate(batch, probe.parameters()).snapshot
    }

    /// F v. Both have one number per parameter of the network's layout.
    public func callAsFunction(_ v: [Double]) -> [Double] {
        let norm = dot(v, v).squareRoot()
        guard norm > 0 else { return v }
        let step = length / norm
        let (ahead, behind) = (output(at: v, step), output(at: v, -step))
        func derivative(_ a: Tensor, _ b: Tensor) -> Tensor { (a - b) * Float(0.5 / step) }
        let along = OutputDirection(
            policy: derivative(ahead.policy, behind.policy),
            logDeviation: ahead.logDeviation.map { derivative($0, behind.logDeviation!) })
        let form = network.distribution.fisherProduct(output, along)

        move(along: v, 0)
        probe.zeroGradient()
        let tape = Tape()
        let tracked = network.evaluate(batch, probe.parameters(on: tape))
        var product = sum(tracked.policy * form.policy)
        if let deviation = form.logDeviation { product = product + sum(tracked.logDeviation! * deviation) }
        tape.backward(product)
        return probe.gradient.values.map(Double.init)
    }

    private func output(at v: [Double], _ step: Double) -> PolicyOutput {
        move(along: v, step)
        return network.evaluate(batch, probe.parameters()).snapshot
    }

    private func move(along v: [Double], _ step: Double) {
        probe.flat.withMutableBuffer { for k in $0.indices { $0[k] = Float(Double(origin[k]) + step * v[k]) } }
    }
}

extension PolicyNetwork {
    /// What it says of a batch's T · N steps.
    func evaluate(_ batch: RolloutBatch, _ parameters: Parameters) -> PolicyOutput {
        self(
            batch.observation.rows(0..<batch.frames), parameters,
            unroll: stateCount > 0 ? Unroll(state: batch.recurrentState, begins: batch.begins) : nil)
    }
}
