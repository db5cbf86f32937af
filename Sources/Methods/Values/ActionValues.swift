import Networks
import Rollouts
import Tensors

/// What one set of weights says of the values of actions in a batch, after the burn-in: L = T − burn-in steps of N slots.
///
/// A network with memory enters the batch with the state that is stored there, walks through the burn-in without a gradient, and forgets
/// where episodes begin. All successors are seen with the state that their own step left.
struct ActionValues {
    /// [L · N, A]: Q(o_t, ·), with gradient where the parameters are tracked.
    let values: Tensor
    /// [L · N, A]: Q of each step's successor in its own episode, a constant: of the final observation where the episode was truncated.
    /// Where it was terminated the row belongs to the next episode and means nothing.
    let successors: Tensor

    /// - Parameters:
    ///   - state: [N, S], with which each slot enters the batch.
    ///   - constants: the same weights as `parameters`, not tracked.
    init(_ batch: RolloutBatch, _ network: any PolicyNetwork, state entered: Tensor, parameters: Parameters, constants: Parameters) {
        let (slots, burnIn) = (batch.slots, batch.burnIn)
        let hasMemory = network.stateCount > 0
        let begins = hasMemory ? batch.begins : []
        var state = entered
        if hasMemory, burnIn > 0 {
            let unroll = Unroll(state: state, begins: Array(begins[..<(burnIn * slots)]))
            let last = network(batch.observation.rows(0..<burnIn * slots), constants, unroll: unroll).state!
            state = last.rows((burnIn - 1) * slots..<burnIn * slots).detached
        }
        let (first, end) = (burnIn * slots, batch.steps * slots)
        let output = network(
            batch.observation.rows(first..<end), parameters,
            unroll: hasMemory ? Unroll(state: state, begins: Array(begins[first...])) : nil)
        values = output.policy
        let memory = output.state?.detached
        /// Q of observations that follow some of the steps, in the same episode.
        func following(_ observation: Observations, after rows: [Int]) -> Tensor {
            network(observation, constants, unroll: memory.map { Unroll(state: $0.picked(rows)) }).policy
        }
        let bootstrap = following(batch.observation.rows(end..<end + slots), after: Array(end - slots - first..<end - first))
        // Behind the end of an episode stands another episode: what followed a truncation is its own final observation.
        let cut = batch.finalIndex.indices.filter { Int(batch.finalIndex[$0]) >= first && batch.truncated[Int(batch.finalIndex[$0])] != 0 }
        let final =
            cut.isEmpty
            ? nil : following(batch.finalObservation.picked(cut), after: cut.map { Int(batch.finalIndex[$0]) - first })
        let count = output.policy.shape[1]
        successors = Tensor(output.policy.shape) { next in
            let inside = end - first - slots
            output.policy.detached.withBuffer {
                next.baseAddress!.update(from: $0.baseAddress! + slots * count, count: inside * count)
            }
            bootstrap.withBuffer { (next.baseAddress! + inside * count).update(from: $0.baseAddress!, count: slots * count) }
            final?.withBuffer {
                for (k, end) in cut.enumerated() {
                    (next.baseAddress! + (Int(batch.finalIndex[end]) - first) * count).update(
                        from: $0.baseAddress! + k * count, count: count)
                }
            }
        }
    }
}
