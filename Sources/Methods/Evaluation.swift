import Networks
import Rollouts
import Tensors

/// What the target policy says about a batch: every step once on the tape, and the values of all successors without.
struct Evaluation {
    /// [T, N] each, with gradient.
    let logProb, entropy, value: Tensor
    /// [T, N]: the value of each step's successor in its own episode (see `CreditSequence.nextValues`); a constant.
    let nextValue: Tensor

    init(_ batch: RolloutBatch, _ network: ActorCritic, parameters: Parameters, constants: Parameters) {
        let (steps, slots) = (batch.steps, batch.slots)
        let rows = batch.observation.reshaped([(steps + 1) * slots, network.observationCount])
        let (logits, value) = network(rows.rows(0..<steps * slots), parameters)
        let policy = Categorical(logits: logits)
        logProb = policy.logProb(of: batch.action).reshaped([steps, slots])
        entropy = policy.entropy.reshaped([steps, slots])
        self.value = value.reshaped([steps, slots])

        let bootstrap = network(rows.rows(steps * slots..<(steps + 1) * slots), constants).value
        nextValue = Tensor([steps, slots]) { next in
            // V(o_{t+1}) stands one row further; the last row's successor is where the rollout was cut.
            value.detached.withBuffer { values in
                next.baseAddress!.update(from: values.baseAddress! + slots, count: (steps - 1) * slots)
            }
            bootstrap.withBuffer { (next.baseAddress! + (steps - 1) * slots).update(from: $0.baseAddress!, count: slots) }
            // Behind the end of an episode stands another episode: what followed a truncation is its own final observation.
            let cut = batch.finalIndex.indices.filter { batch.truncated[Int(batch.finalIndex[$0])] != 0 }
            guard !cut.isEmpty else { return }
            let final = network(Self.rows(cut, of: batch.finalObservation, width: network.observationCount), constants).value
            final.withBuffer { for (k, end) in cut.enumerated() { next[Int(batch.finalIndex[end])] = $0[k] } }
        }
    }

    /// Some rows of a tensor of rows of `width` elements: [count, width].
    private static func rows(_ indices: [Int], of tensor: Tensor, width: Int) -> Tensor {
        Tensor([indices.count, width]) { target in
            tensor.withBuffer { source in
                for (k, index) in indices.enumerated() {
                    (target.baseAddress! + k * width).update(from: source.baseAddress! + index * width, count: width)
                }
            }
        }
    }
}
