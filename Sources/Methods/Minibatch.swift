import Rollouts
import Tensors

/// A part of a batch, for one gradient step.
struct Minibatch {
    /// Its steps t · N + n; in order of time where they are whole slots.
    let rows: [Int]
    /// The slots that it consists of; nil where steps were shuffled.
    let slots: [Int]?

    /// Divides a batch at random. The division depends on seed, version, batch and epoch alone.
    ///
    /// - Parameter inWholeSlots: slots stay together, as a memory, renewed credit and losses over sequences need it. There are no more
    ///   parts than slots then.
    static func parts(
        of batch: RolloutBatch, count: Int, inWholeSlots: Bool, seed: UInt64, at moment: Moment, epoch: Int
    ) -> [Minibatch] {
        let units = inWholeSlots ? batch.slots : batch.frames
        var order = Array(0..<units)
        var random = RandomKey(seed: seed, purpose: .learner, actor: UInt32(truncatingIfNeeded: moment.batch), incarnation: UInt32(epoch))
            .stream(slot: 0, episode: moment.version)
        order.shuffle(using: &random)
        let parts = min(count, units)
        return (0..<parts).map { part in
            let chosen = Array(order[(part * units / parts)..<((part + 1) * units / parts)])
            guard inWholeSlots else { return Minibatch(rows: chosen, slots: nil) }
            return Minibatch(rows: (0..<batch.steps).flatMap { t in chosen.map { t * batch.slots + $0 } }, slots: chosen)
        }
    }
}
