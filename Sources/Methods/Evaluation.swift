import Networks
import Rollouts
import Tensors

/// What a policy says about a batch: every step, and the values of all successors as constants.
public struct Evaluation {
    /// [T, N] each, with gradient where the parameters are tracked.
    public let logProb, entropy, value: Tensor
    /// What the network said of the T · N steps.
    public let output: PolicyOutput
    /// [T, N]: the value of each step's successor in its own episode (see `CreditSequence.nextValues`); a constant.
    public let nextValue: Tensor

    /// - Parameter constants: the same weights as `parameters`, not tracked.
    public init(_ batch: RolloutBatch, _ network: any PolicyNetwork, parameters: Parameters, constants: Parameters) {
        let (steps, slots) = (batch.steps, batch.slots)
        let unroll = network.stateCount > 0 ? Unroll(state: batch.recurrentState, begins: batch.begins) : nil
        let output = network(batch.observation.rows(0..<steps * slots), parameters, unroll: unroll)
        self.output = output
        logProb = network.distribution.logProb(of: batch.action, output).reshaped([steps, slots])
        entropy = network.distribution.entropy(output, at: batch.action).reshaped([steps, slots])
        value = output.value.reshaped([steps, slots])

        /// The values of observations that follow some of the batch's steps, in the same episode.
        func values(_ observation: Observations, after rows: [Int]) -> Tensor {
            let state = output.state.map { Unroll(state: $0.detached.picked(rows)) }
            return network(observation, constants, unroll: state).value
        }
        let last = Array((steps - 1) * slots..<steps * slots)
        let bootstrap = values(batch.observation.rows(steps * slots..<(steps + 1) * slots), after: last)
        // Behind the end of an episode stands another episode: what followed a truncation is its own final observation.
        let cut = batch.finalIndex.indices.filter { batch.truncated[Int(batch.finalIndex[$0])] != 0 }
        let final =
            cut.isEmpty ? nil : values(batch.finalObservation.picked(cut), after: cut.map { Int(batch.finalIndex[$0]) })
        nextValue = Tensor([steps, slots]) { next in
            // V(o_{t+1}) stands one row further; the last row's successor is where the rollout was cut.
            output.value.detached.withBuffer { values in
                next.baseAddress!.update(from: values.baseAddress! + slots, count: (steps - 1) * slots)
            }
            bootstrap.withBuffer { (next.baseAddress! + (steps - 1) * slots).update(from: $0.baseAddress!, count: slots) }
            final?.withBuffer { for (k, end) in cut.enumerated() { next[Int(batch.finalIndex[end])] = $0[k] } }
        }
    }
}

extension RolloutBatch {
    /// T · N flags: 1 where the step before ended an episode. The state of the first step is the one that the actor had, new episode or
    /// not.
    public var begins: [UInt8] { (0..<frames).map { $0 < slots ? 0 : terminated[$0 - slots] | truncated[$0 - slots] } }

    /// Where its sequences are.
    public var sequences: Sequences {
        Sequences(steps: steps, slots: slots, ends: zip(terminated, truncated).map { $0 | $1 })
    }
}
