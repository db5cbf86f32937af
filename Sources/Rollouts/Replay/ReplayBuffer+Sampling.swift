import Glibc
import Platform
import Tensors

extension ReplayBuffer {
    /// Whether so many sequences can be sampled now.
    public func canSample(_ count: Int) -> Bool { blocked(sampling: count) == nil }

    /// Counts samples that were taken from elsewhere in this buffer's stead, such as a dataset's: the limiter keeps all of them in proportion to
    /// the inserts.
    public func countSamples(_ count: Int) { limiter.counters.samples += count }

    /// For how many inserts a sample of so many sequences waits; nil when it does not.
    public func blocked(sampling count: Int) -> RateLimiter.Block? {
        if let block = limiter.blocked(sampling: count) { return block }
        var missing = (settings.selector == .fifo ? count : 1) - items.count
        if items.isUseLimited { missing = max(missing, count - items.remainingUses) }
        return missing > 0 ? .samplesWait(inserts: missing) : nil
    }

    /// Draws `count` sequences, with replacement except under `.fifo`, and copies `steps` steps of each into a batch.
    ///
    /// With fewer steps than a sequence has, each window begins at any step with the same probability; networks with memory need whole
    /// sequences, since only their beginning has a recurrent state.
    ///
    /// - Parameters:
    ///   - burnIn: how many of the steps only refresh the recurrent state; fewer than `steps`.
    ///   - beta: the exponent of the importance weights (N · P(i))^−beta, divided by the largest of the batch: 0 corrects nothing, 1 all
    ///     of what prioritised sampling does to the distribution. Other selectors give weights of 1.
    /// - Throws: `ReplayError` for a window that there is not, and while the limiter or a lack of sequences does not allow it.
    public func sample(_ count: Int, steps: Int, burnIn: Int = 0, beta: Double = 1) throws(ReplayError) -> ReplaySample {
        precondition(count > 0, "a sample of \(count) sequences")
        try checkWindow(steps: steps, burnIn: burnIn)
        if let block = blocked(sampling: count) {
            throw ReplayError(.blocked, "\(block)", place: "a sample of \(count)", remedy: "Ask canSample first, and insert meanwhile.")
        }
        var random = randomKey.stream(slot: 0, episode: sampleCalls)
        sampleCalls += 1
        limiter.counters.samples += count
        var (keys, starts) = ([UInt64](), [Int]())
        var (probabilities, weights) = ([Double](), [Double]())
        let spare = UInt64(sequenceSteps - steps + 1)
        for draw in 0..<count {
            let stored = Double(items.count)
            let (key, probability) = self.draw(draw, of: count, &random)
            keys.append(key)
            probabilities.append(probability)
            weights.append(isPrioritized ? pow(stored * probability, -beta) : 1)
            starts.append(spare == 1 ? 0 : Int(random.next().multipliedFullWidth(by: spare).high))
            if items.use(key) { limiter.counters.deletes += 1 }
        }
        let largest = weights.max()!
        let windows = zip(keys, starts).enumerated().map { window($0.element.0, slot: $0.offset, start: $0.element.1, steps: steps) }
        let batch = batch(windows, keys: keys, steps: steps, burnIn: burnIn, weights: weights.map { Float($0 / largest) })
        return ReplaySample(batch: batch, probabilities: probabilities, starts: starts)
    }

    private var isPrioritized: Bool { if case .prioritized = settings.selector { true } else { false } }

    private func draw(_ draw: Int, of count: Int, _ random: inout RandomStream) -> (key: UInt64, probability: Double) {
        switch settings.selector {
        case .fifo:
            skipHoles()
            var key = max(cursor, firstItem)
            while key < nextKey && !items.isLive(key) { key += 1 }
            if key == nextKey { key = firstItem }
            cursor = key + 1
            return (key, 0)
        case .uniform:
            return (items.item(at: random.uniform(), first: firstKey), 1 / Double(items.count))
        case .prioritized:
            let key = items.item(at: (Double(draw) + random.uniform()) / Double(count), first: firstKey)
            return (key, items.weight(of: key) / items.totalWeight)
        }
    }

    private func checkWindow(steps: Int, burnIn: Int) throws(ReplayError) {
        func refuse(_ problem: String, _ remedy: String) throws(ReplayError) {
            throw ReplayError(.window, problem, place: "a sample of the replay", remedy: remedy)
        }
        guard (1...sequenceSteps).contains(steps) else {
            return try refuse("windows of \(steps) steps in sequences of \(sequenceSteps)", "Choose 1 to \(sequenceSteps).")
        }
        guard shape.stateCount == 0 || steps == sequenceSteps else {
            return try refuse(
                "windows of \(steps) steps for a network with memory", "Take whole sequences of \(sequenceSteps) steps: only their beginning has a recurrent state.")
        }
        guard (0..<steps).contains(burnIn) else { return try refuse("a burn-in of \(burnIn) of \(steps) steps", "Leave at least one step to train on.") }
    }
}
