import Methods
import Networks
import Rollouts
import Tensors

/// A batch of random data in one rollout. Observations are uniform in ±1; the actor's probabilities are random too.
func randomBatch(
    steps: Int, slots: Int, observations: Int, actions: Int, terminated: Set<Int> = [], truncated: Set<Int> = [], _ dice: inout Dice
) -> RolloutBatch {
    let builder = RolloutBuilder(observation: .box(shape: [observations]), action: .discrete(2), steps: steps, slots: slots)
    for t in 0...steps { for k in 0..<slots * observations { builder.observation(t, as: Float.self)[k] = Float.random(in: -1...1, using: &dice) } }
    for t in 0..<steps {
        for b in 0..<slots {
            let index = t * slots + b
            builder.action(t, as: Int32.self)[b] = Int32.random(in: 0..<Int32(actions), using: &dice)
            builder.behaviourLogProb(t)[b] = Float.random(in: -2 ... -0.2, using: &dice)
            builder.reward(t)[b] = Float.random(in: -1...1, using: &dice)
            builder.terminated(t)[b] = terminated.contains(index) ? 1 : 0
            builder.truncated(t)[b] = truncated.contains(index) ? 1 : 0
            guard terminated.contains(index) || truncated.contains(index) else { continue }
            let final = (0..<observations).map { _ in Float.random(in: -1...1, using: &dice) }
            final.withUnsafeBytes { builder.appendEnded(step: t, slot: b, finalObservation: $0, episodeReturn: 1, length: 1) }
        }
    }
    return batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)])
}

func batch(_ rollouts: [Rollout]) -> RolloutBatch {
    do { return try RolloutBatch(rollouts, observationSpace: .box(shape: Array(rollouts[0].observation.shape.dropFirst(2)))) } catch { fatalError("\(error)") }
}

/// The network of the tests in double precision, written out: one tanh layer, a policy head and a value head.
struct DoubleNetwork {
    let observations, hidden, actions: Int

    func callAsFunction(_ x: [Double], _ w: [Double]) -> (logProbs: [Double], value: Double) {
        var offset = 0
        func layer(_ x: [Double], _ outputs: Int) -> [Double] {
            let bias = offset + outputs * x.count
            let y = (0..<outputs).map { o in x.indices.reduce(w[bias + o]) { $0 + w[offset + o * x.count + $1] * x[$1] } }
            offset = bias + outputs
            return y
        }
        let torso = layer(x, hidden).map(tanhOf)
        let logits = layer(torso, actions)
        let value = layer(torso, 1)[0]
        let top = logits.max()!
        let total = logOf(logits.reduce(0) { $0 + expOf($1 - top) }) + top
        return (logits.map { $0 - total }, value)
    }
}

extension RolloutBatch {
    var choices: [Int32] {
        guard case .choices(let choices) = action else { return [] }
        return choices
    }
}
