/// How the next sequences are chosen.
public enum ReplaySelector: Sendable, Hashable {
    /// In the order of insertion, round and round: after the newest comes the oldest again. With `maximumTimesSampled` 1 a queue; with
    /// N batches that are used K times each the circular buffer of IMPACT (Luo et al., 2020).
    case fifo
    /// Each with the same probability, independently.
    case uniform
    /// With probability P(i) ∝ (pᵢ + ε)^α, one draw in each of n equal strata (Schaul et al., 2016). New sequences get the largest
    /// priority seen so far.
    case prioritized(alpha: Double, epsilon: Double = 1e-6)
}

/// Where the sequences lie.
public enum ReplayStorage: Sendable, Hashable {
    case memory
    /// In files of this directory, mapped into memory. They have no names, so the system frees them when the process ends, however it
    /// ends.
    case disk(directory: String)
}

/// What a replay stores and how it is read.
public struct ReplaySettings: Sendable, Hashable {
    /// Bytes of everything: sequences, final observations, priorities, index.
    public var capacityBytes: Int
    /// Keeps at most this many sequences, the newest ones; nil: as many as fit.
    public var maximumSequences: Int?
    /// k: a sequence begins with the last k steps of the rollout that came before it from the same actor and slot, so it is T + k steps
    /// long. A rollout without a direct predecessor only precedes the next one. At most T; for networks with memory 0 or T, since the
    /// recurrent state is known only where a rollout begins.
    public var sequenceOverlap: Int
    public var selector: ReplaySelector
    public var limiter: RateLimiter
    /// A sequence goes away after it was sampled this often; nil: never for that reason.
    public var maximumTimesSampled: Int?
    /// The largest n of `ReplayBuffer.sample`, by which the rate limiter is checked for deadlocks.
    public var samplesAtOnce: Int
    public var storage: ReplayStorage
    public var seed: UInt64

    public init(
        capacityBytes: Int, maximumSequences: Int? = nil, sequenceOverlap: Int = 0, selector: ReplaySelector = .uniform,
        limiter: RateLimiter = .unlimited, maximumTimesSampled: Int? = nil, samplesAtOnce: Int = 1, storage: ReplayStorage = .memory,
        seed: UInt64 = 0
    ) {
        self.capacityBytes = capacityBytes
        self.maximumSequences = maximumSequences
        self.sequenceOverlap = sequenceOverlap
        self.selector = selector
        self.limiter = limiter
        self.maximumTimesSampled = maximumTimesSampled
        self.samplesAtOnce = samplesAtOnce
        self.storage = storage
        self.seed = seed
    }
}
