import Tensors

/// Actions drawn evenly from a space: step by step the same for the same seed.
struct RandomActions {
    private let space: Space
    private var random: RandomStream

    init(_ space: Space, seed: UInt64) {
        self.space = space
        random = RandomKey(seed: seed, purpose: .action).stream(slot: 0, episode: 0)
    }

    /// Fills a row of actions. Where a box has no bound, numbers come from the normal distribution.
    mutating func fill(_ row: UnsafeMutableRawBufferPointer) {
        switch space {
        case .discrete(let count): fill(row.assumingMemoryBound(to: Int32.self), counts: [count])
        case .multiDiscrete(let counts): fill(row.assumingMemoryBound(to: Int32.self), counts: counts)
        case .box(_, let low, let high):
            let actions = row.assumingMemoryBound(to: Float.self)
            for index in actions.indices {
                let (low, high) = (low[index % low.count], high[index % high.count])
                if low.isFinite, high.isFinite {
                    actions[index] = min(max(Float(random.uniform(in: Double(low)...Double(high))), low), high)
                } else {
                    actions[index] = min(max(Float(random.normal()), low), high)
                }
            }
        case .bytes: preconditionFailure("actions are no bytes")
        }
    }

    private mutating func fill(_ actions: UnsafeMutableBufferPointer<Int32>, counts: [Int]) {
        for index in actions.indices { actions[index] = Int32(random.next() % UInt64(counts[index % counts.count])) }
    }
}
