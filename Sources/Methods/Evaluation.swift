import Networks
import Rollouts
import Tensors

/// What the target policy says about a batch: every step once on the tape, and the values of all successors without.
struct Evaluation {
    /// [T, N] each, with gradient.
    let logProb, entropy, value: Tensor
    /// [T, N]: the value of each step's successor in its own episode (see `CreditSequence.nextValues`); a constant.
    let nextValue: Tensor

    init(_ batch: RolloutBatch, _ network: any PolicyNetwork, parameters: Parameters, constants: Parameters) {
        let (steps, slots) = (batch.steps, batch.slots)
        let unroll = network.stateCount > 0 ? Unroll(state: batch.recurrentState, begins: Self.begins(batch)) : nil
        let output = network(batch.observation.rows(0..<steps * slots), parameters, unroll: unroll)
        logProb = network.distribution.logProb(of: batch.action, output).reshaped([steps, slots])
        entropy = network.distribution.entropy(output, at: batch.action).reshaped([steps, slots])
        value = output.value.reshaped([steps, slots])

        /// The values of observations that follow some of the batch's steps, in the same episode.
        func values(_ observation: Observations, after rows: [Int]) -> Tensor {
            let state = output.state.map { Unroll(state: Self.picked(rows, of: $0.detached)) }
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

    /// T · N flags: 1 where the step before ended an episode. The state of the first step is the one that the actor had, new episode or
    /// not.
    private static func begins(_ batch: RolloutBatch) -> [UInt8] {
        let slots = batch.slots
        return (0..<batch.frames).map { $0 < slots ? 0 : batch.terminated[$0 - slots] | batch.truncated[$0 - slots] }
    }

    /// Some rows of a matrix: [count, columns].
    private static func picked(_ rows: [Int], of matrix: Tensor) -> Tensor {
        let width = matrix.shape[1]
        return Tensor([rows.count, width]) { target in
            matrix.withBuffer { source in
                for (k, row) in rows.enumerated() {
                    (target.baseAddress! + k * width).update(from: source.baseAddress! + row * width, count: width)
                }
            }
        }
    }
}
