import Rollouts
import Testing

@Suite struct RateLimiterTests {
    private func limiter(_ spi: Double, _ size: Int, _ low: Double, _ high: Double, _ counters: RateLimiter.Counters = .init()) throws -> RateLimiter {
        var limiter = try RateLimiter(samplesPerInsert: spi, minimumSize: size, minimumDifference: low, maximumDifference: high)
        limiter.counters = counters
        return limiter
    }

    /// can_sample(n) iff size ≥ min_size and inserts · spi − samples − n ≥ min_diff;
    /// can_insert(n) iff inserts + n − deletes ≤ min_size or (inserts + n) · spi − samples ≤ max_diff.
    @Test func truthTable() throws {
        for spi in [0.25, 0.5, 1, 2, 7.5] {
            for size in [1, 3, 10] {
                for (below, above) in [(0, 0), (2, 8), (40, 0), (0, 40)] as [(Double, Double)] {
                    let (low, high) = (spi * Double(size) - below, spi * Double(size) + above)
                    for inserts in 0...14 {
                        for samples in [0, 1, 5, 30] {
                            for deletes in [0, 2] where deletes <= inserts {
                                for n in [1, 4] {
                                    let it = try limiter(spi, size, low, high, .init(inserts: inserts, samples: samples, deletes: deletes))
                                    let difference = Double(inserts) * spi - Double(samples)
                                    #expect(it.canSample(n) == (inserts - deletes >= size && difference - Double(n) >= low))
                                    #expect(
                                        it.canInsert(n)
                                            == (inserts + n - deletes <= size || Double(inserts + n) * spi - Double(samples) <= high))
                                    #expect((it.blocked(sampling: n) == nil) == it.canSample(n))
                                    #expect((it.blocked(inserting: n) == nil) == it.canInsert(n))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// After as many inserts (samples) as it says the wait is over, and not before.
    @Test func blockedSaysForHowMany() throws {
        var it = try RateLimiter(samplesPerInsert: 4, minimumSize: 100, errorBuffer: 80)
        #expect(it.blocked(sampling: 32)?.description == "samples wait for 100 more inserts")
        it.counters = .init(inserts: 63)
        #expect(it.blocked(sampling: 32)?.description == "samples wait for 37 more inserts")
        it.counters = .init(inserts: 99, samples: 0)
        #expect(it.blocked(sampling: 1)?.description == "samples wait for 1 more insert")
        it.counters = .init(inserts: 120, samples: 0)
        #expect(it.canSample(32))
        #expect(it.blocked(inserting: 30)?.description == "inserts wait for 120 more samples")
        for (inserts, samples) in [(110, 140), (100, 90), (300, 0), (140, 100), (101, 88)] {
            it.counters = .init(inserts: inserts, samples: samples)
            if case .samplesWait(let count)? = it.blocked(sampling: 16) {
                it.counters.inserts += count - 1
                #expect(!it.canSample(16))
                it.counters.inserts += 1
                #expect(it.canSample(16))
            }
            it.counters = .init(inserts: inserts, samples: samples)
            if case .insertsWait(let count)? = it.blocked(inserting: 16) {
                it.counters.samples += count - 1
                #expect(!it.canInsert(16))
                it.counters.samples += 1
                #expect(it.canInsert(16))
            }
        }
    }

    @Test func shortForms() throws {
        let buffered = try RateLimiter(samplesPerInsert: 2, minimumSize: 10, errorBuffer: 5)
        #expect(buffered.minimumDifference == 15 && buffered.maximumDifference == 25)
        var queue = RateLimiter.queue(4)
        #expect(!queue.canSample(1) && queue.canInsert(4) && !queue.canInsert(5))
        queue.counters = .init(inserts: 4, samples: 1, deletes: 1)
        #expect(queue.canSample(3) && !queue.canSample(4) && queue.canInsert(1) && !queue.canInsert(2))
        var open = RateLimiter.minimumSize(3)
        open.counters = .init(inserts: 2)
        #expect(!open.canSample(1) && open.canInsert(1_000_000))
        open.counters = .init(inserts: 3, samples: 1_000_000)
        #expect(open.canSample(1_000_000))
    }

    @Test func whatCannotWorkIsRefused() {
        func refused(_ make: () throws -> RateLimiter, location: SourceLocation = #_sourceLocation) {
            #expect(throws: ReplayError.self, sourceLocation: location) { try make() }
        }
        refused { try RateLimiter(samplesPerInsert: 0, minimumSize: 1, errorBuffer: 9) }
        refused { try RateLimiter(samplesPerInsert: .nan, minimumSize: 1, errorBuffer: 9) }
        refused { try RateLimiter(samplesPerInsert: 1, minimumSize: 0, errorBuffer: 9) }
        refused { try RateLimiter(samplesPerInsert: 4, minimumSize: 1, errorBuffer: 3.9) }
        refused { try RateLimiter(samplesPerInsert: 0.5, minimumSize: 1, errorBuffer: 0.9) }
        refused { try limiter(2, 10, 21, 30) }
        refused { try limiter(2, 10, 0, 19) }
        refused { try limiter(2, 10, .nan, 30) }
    }

    /// Random settings that are accepted, random orders of inserts and samples until both wait: somebody can always go on. And what is
    /// accepted with single inserts and samples is all that Reverb accepts with a band of its least width.
    @Test func whatIsAcceptedNeverDeadlocks() throws {
        var dice = Dice(state: 5)
        var accepted = 0
        for _ in 0..<3000 {
            let spi = [0.125, 0.5, 1, 1.5, 4, 9].randomElement(using: &dice)!
            let size = Int.random(in: 1...12, using: &dice)
            let (n, m) = (Int.random(in: 1...9, using: &dice), Int.random(in: 1...9, using: &dice))
            let uses = Bool.random(using: &dice) ? Int.random(in: 1...12, using: &dice) : nil
            let isFIFO = Bool.random(using: &dice)
            let offset = spi * Double(size)
            guard
                let limiter = try? RateLimiter(
                    samplesPerInsert: spi, minimumSize: size, minimumDifference: offset - .random(in: 0...40, using: &dice),
                    maximumDifference: offset + .random(in: 0...90, using: &dice))
            else { continue }
            let shape = RolloutShape(observation: .box(shape: [1]), action: .discrete(3), steps: 1, maximumSlots: m)
            let settings = ReplaySettings(
                capacityBytes: 1 << 16, maximumSequences: Int.random(in: 5...40, using: &dice), selector: isFIFO ? .fifo : .uniform,
                limiter: limiter, maximumTimesSampled: uses, samplesAtOnce: n, seed: dice.next())
            guard let replay = try? ReplayBuffer(settings, shape: shape) else { continue }
            accepted += 1
            let actor = RecordedActor(shape, actor: 0, slots: m, seed: 1)
            for _ in 0..<120 {
                let (insert, sample) = (replay.canInsert(m), replay.canSample(n))
                guard insert || sample else {
                    Issue.record("both wait: \(settings), \(m) at once, \(replay.limiter.counters)")
                    return
                }
                if insert && (!sample || Bool.random(using: &dice)) {
                    try replay.insert(actor.rollout().rollout)
                } else {
                    _ = try replay.sample(n, steps: 1)
                }
                #expect(replay.limiter.size == replay.count)
            }
        }
        #expect(accepted > 300)
    }
}
