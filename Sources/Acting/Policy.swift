import Environments
import Networks
import Tensors

/// A network that acts in B slots: it draws actions and keeps the slots' recurrent states. No tape, one row per slot.
final class Policy {
    enum Choice {
        /// Draw from the distribution; random numbers are addressed by step and slot.
        case sampled(RandomKey)
        case mostProbable
    }

    private let network: any PolicyNetwork
    private let slots: Int
    private var uniforms: [Float]
    /// ε of each slot, of an ε-greedy choice; none: 0.
    var epsilons: [Float] = []
    /// [B, S]: with which the next step is entered; all 0 where an episode begins.
    private(set) var state: Tensor

    init(_ network: any PolicyNetwork, slots: Int) {
        self.network = network
        self.slots = slots
        uniforms = [Float](repeating: 0, count: slots * max(network.actionSpace.count, 1))
        state = Tensor(zeros: [slots, network.stateCount])
    }

    /// Acts on a row of observations and moves the recurrent states on.
    ///
    /// - Parameters:
    ///   - actions: receives what was drawn, before it is bounded for the environment.
    ///   - logProbs: receives log μ of each; left alone when the choice is not random.
    ///   - policies: receives the numbers that describe the policy, [B, P], where there is room for them.
    func act(
        _ observation: UnsafeMutableRawBufferPointer, _ parameters: Parameters, _ choice: Choice, step: UInt64,
        actions: UnsafeMutableRawBufferPointer, logProbs: UnsafeMutableBufferPointer<Float>,
        policies: UnsafeMutableBufferPointer<Float>? = nil
    ) {
        let rows = Observations(copying: UnsafeRawBufferPointer(observation), network.observationSpace)
        let output = network(rows, parameters, unroll: network.stateCount > 0 ? Unroll(state: state) : nil)
        if let next = output.state { state = next }
        if let policies, !policies.isEmpty { output.policy.withBuffer { _ = policies.update(fromContentsOf: $0) } }
        switch choice {
        case .sampled(let key):
            uniforms.withUnsafeMutableBufferPointer { buffer in
                key.uniforms(step: step, into: buffer)
                network.distribution.sample(
                    output, uniforms: UnsafeBufferPointer(buffer), epsilons: epsilons, actions: actions, logProbs: logProbs)
            }
        case .mostProbable: network.distribution.mode(output, actions: actions)
        }
    }

    /// Forgets what the slots whose episode has ended knew.
    func forget(_ terminated: UnsafeMutableBufferPointer<UInt8>, _ truncated: UnsafeMutableBufferPointer<UInt8>) {
        let width = network.stateCount
        guard width > 0 else { return }
        state.withMutableBuffer { state in
            for slot in 0..<slots where terminated[slot] | truncated[slot] != 0 {
                (state.baseAddress! + slot * width).update(repeating: 0, count: width)
            }
        }
    }
}
