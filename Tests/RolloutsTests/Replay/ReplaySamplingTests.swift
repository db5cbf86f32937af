import Glibc
import Rollouts
import Tensors
import Testing

@Suite struct ReplaySamplingTests {
    static let shape = RolloutShape(observation: .box(shape: [1]), action: .discrete(3), steps: 2, maximumSlots: 8)

    /// A replay with `count` sequences of one slot each: the keys 1 ... count.
    static func replay(_ count: Int, _ settings: ReplaySettings) throws -> ReplayBuffer {
        let replay = try ReplayBuffer(settings, shape: shape)
        let actor = RecordedActor(shape, actor: 0, slots: 1, seed: 1)
        for _ in 0..<count { try replay.insert(actor.rollout().rollout) }
        return replay
    }

    private func settings(_ selector: ReplaySelector, uses: Int? = nil, seed: UInt64 = 3) -> ReplaySettings {
        ReplaySettings(capacityBytes: 1 << 20, selector: selector, maximumTimesSampled: uses, seed: seed)
    }

    /// χ² of observed counts against probabilities, as a number of standard deviations above its mean.
    private func deviation(_ counts: [Int], _ probabilities: [Double]) -> Double {
        let total = Double(counts.reduce(0, +))
        let square = zip(counts, probabilities).reduce(0) { sum, pair in
            let expected = total * pair.1
            return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
        }
        let freedom = Double(counts.count - 1)
        return (square - freedom) / (2 * freedom).squareRoot()
    }

    private func counts(_ replay: ReplayBuffer, draws: Int, at once: Int) throws -> [Int] {
        var counts = [Int](repeating: 0, count: Int(replay.storedCount))
        for _ in 0..<draws / once { for key in try replay.sample(once, steps: 2).batch.keys { counts[Int(key) - 1] += 1 } }
        return counts
    }

    @Test func frequenciesMatchTheProbabilities() throws {
        for (alpha, once) in [(0.6, 1), (0.6, 32), (1, 7), (0.3, 64)] {
            let replay = try Self.replay(40, settings(.prioritized(alpha: alpha, epsilon: 1e-3)))
            let priorities = (0..<40).map { Float($0 % 9) * 0.7 }
            try replay.updatePriorities(keys: Array(1...40), priorities: priorities)
            let weights = priorities.map { pow(Double($0) + 1e-3, alpha) }
            let probabilities = weights.map { $0 / weights.reduce(0, +) }
            // Strata make the counts of large samples more even than independent draws, never less.
            #expect(deviation(try counts(replay, draws: 200_000, at: once), probabilities) < 4)
            let sample = try replay.sample(16, steps: 2, beta: 0.5)
            for (key, probability) in zip(sample.batch.keys, sample.probabilities) {
                #expect(abs(probability - probabilities[Int(key) - 1]) < 1e-12)
            }
            let raw = sample.probabilities.map { pow(40 * $0, -0.5) }
            for (weight, expected) in zip(sample.batch.weight.values, raw) { #expect(abs(weight - Float(expected / raw.max()!)) < 1e-6) }
            #expect(sample.batch.weight.values.max() == 1)
            #expect(try replay.sample(16, steps: 2, beta: 0).batch.weight.values.allSatisfy { $0 == 1 })
        }
    }

    @Test func alphaZeroIsUniform() throws {
        for selector in [.prioritized(alpha: 0), .uniform] as [ReplaySelector] {
            let replay = try Self.replay(49, settings(selector))
            try replay.updatePriorities(keys: Array(1...49), priorities: (0..<49).map { Float($0 * $0) })
            #expect(try replay.sample(500, steps: 2).batch.weight.values.allSatisfy { $0 == 1 })
            #expect(deviation(try counts(replay, draws: 100_000, at: 20), Array(repeating: 1.0 / 49, count: 49)) < 4)
        }
    }

    /// n draws of a sample lie one in each of n equal parts of the total weight.
    @Test func drawsAreStratified() throws {
        let replay = try Self.replay(64, settings(.prioritized(alpha: 0.5)))
        for _ in 0..<50 { #expect(try replay.sample(64, steps: 2).batch.keys == Array(1...64)) }
        #expect(Set(try replay.sample(16, steps: 2).batch.keys.map { ($0 - 1) / 4 }) == Set(0..<16))
    }

    @Test func newSequencesGetTheLargestPrioritySoFar() throws {
        let replay = try Self.replay(3, settings(.prioritized(alpha: 1, epsilon: 1e-6)))
        #expect(replay.maximumPriority == 1)
        try replay.updatePriorities(keys: [1, 2, 3], priorities: [0.5, 7, 2])
        try replay.updatePriorities(keys: [2], priorities: [1])
        let actor = RecordedActor(Self.shape, actor: 1, slots: 2, seed: 1)
        try replay.insert(actor.rollout().rollout)
        try replay.insert(actor.rollout().rollout, priorities: [9, 0.25])
        let expected: [Double] = [0.5, 1, 2, 7, 7, 9, 0.25].map { $0 + 1e-6 }
        var seen = [Double](repeating: 0, count: 7)
        for _ in 0..<200 {
            let sample = try replay.sample(16, steps: 2)
            for (key, probability) in zip(sample.batch.keys, sample.probabilities) { seen[Int(key) - 1] = probability }
        }
        for (a, b) in zip(seen, expected) { #expect(abs(a - b / expected.reduce(0, +)) < 1e-9) }
    }

    @Test func fifoGoesRoundAndRound() throws {
        let replay = try Self.replay(6, settings(.fifo, uses: 2))
        #expect(try replay.sample(4, steps: 2).batch.keys == [1, 2, 3, 4])
        #expect(try replay.sample(4, steps: 2).batch.keys == [5, 6, 1, 2])
        #expect(!replay.contains(1) && !replay.contains(2) && replay.count == 4 && replay.limiter.counters.deletes == 2)
        let actor = RecordedActor(Self.shape, actor: 1, slots: 1, seed: 1)
        try replay.insert(actor.rollout().rollout)
        #expect(try replay.sample(5, steps: 2).batch.keys == [3, 4, 5, 6, 7])
        #expect(replay.count == 1 && !replay.canSample(2))
        #expect(replay.blocked(sampling: 3)?.description == "samples wait for 2 more inserts")
        #expect(throws: ReplayError.self) { try replay.sample(2, steps: 2) }
        #expect(try replay.sample(1, steps: 2).batch.keys == [7] && replay.count == 0)
    }

    /// Every sequence of every selector is sampled exactly as often as allowed, also within one sample.
    @Test func usedUpSequencesGoAway() throws {
        for selector in [.fifo, .uniform, .prioritized(alpha: 0.7)] as [ReplaySelector] {
            let replay = try Self.replay(30, settings(selector, uses: 4))
            #expect(try counts(replay, draws: 120, at: 10).allSatisfy { $0 == 4 })
            #expect(replay.count == 0 && !replay.canSample(1) && replay.limiter.size == 0)
        }
    }

    @Test func prioritiesOfGoneSequencesAreCountedAndIgnored() throws {
        var one = settings(.prioritized(alpha: 1))
        one.maximumSequences = 4
        let replay = try Self.replay(10, one)
        #expect(replay.count == 4 && !replay.contains(6) && replay.contains(7))
        try replay.updatePriorities(keys: [1, 6, 7, 0, 99], priorities: [50, 50, 2, 50, 50])
        #expect(replay.staleUpdates == 3 && replay.maximumPriority == 2)
        #expect(Set(try replay.sample(100, steps: 2).batch.keys) == [7, 8, 9, 10])
    }

    @Test func badPrioritiesAreRefusedByKey() throws {
        let replay = try Self.replay(4, settings(.prioritized(alpha: 1)))
        for bad in [-0.5, .nan, .infinity] as [Float] {
            do {
                try replay.updatePriorities(keys: [1, 3, 2], priorities: [5, bad, 5])
                Issue.record("accepted")
            } catch { #expect(error.kind == .priority && error.place == "key 3" && error.problem.contains("\(bad)")) }
            #expect(throws: ReplayError.self) {
                try replay.insert(RecordedActor(Self.shape, actor: 1, slots: 1, seed: 1).rollout().rollout, priorities: [bad])
            }
        }
        #expect(replay.maximumPriority == 1 && replay.count == 4)
    }

    /// The same calls draw the same samples; another seed draws others.
    @Test func samplesAreAFunctionOfTheSeed() throws {
        func draws(_ seed: UInt64) throws -> [[UInt64]] {
            let replay = try Self.replay(50, settings(.prioritized(alpha: 0.5), seed: seed))
            return try (0..<20).map { _ in try replay.sample(5, steps: 1).batch.keys }
        }
        #expect(try draws(1) == draws(1))
        #expect(try draws(1) != draws(2))
    }

    /// The limiter's word is law for the replay itself.
    @Test func theLimiterHolds() throws {
        var one = settings(.uniform)
        one.limiter = try RateLimiter(samplesPerInsert: 2, minimumSize: 4, errorBuffer: 16)
        let replay = try Self.replay(3, one)
        #expect(!replay.canSample(1))
        #expect(throws: ReplayError.self) { try replay.sample(1, steps: 2) }
        let actor = RecordedActor(Self.shape, actor: 1, slots: 1, seed: 1)
        while replay.canInsert(1) { try replay.insert(actor.rollout().rollout) }
        #expect(replay.limiter.counters.inserts == 12)
        let blocked = actor.rollout().rollout
        #expect(throws: ReplayError.self) { try replay.insert(blocked) }
        #expect(replay.count == 12 && replay.limiter.counters.inserts == 12)
        _ = try replay.sample(2, steps: 2)
        try replay.insert(blocked)
        #expect(replay.limiter.counters == .init(inserts: 13, samples: 2, deletes: 0))
    }
}
