/// Keeps the number of samples in proportion to the number of inserts: the rules of Reverb (Cassirer et al., 2021).
///
/// With `difference` = inserts · samplesPerInsert − samples, sampling may take it down to `minimumDifference`, inserting may bring it up to
/// `maximumDifference`; nobody samples from fewer than `minimumSize` items, and up to that size everybody may insert. It decides and
/// counts; waiting is the caller's business.
public struct RateLimiter: Sendable, Hashable {
    /// What has happened. A restored replay keeps these and takes the limits from the new settings.
    public struct Counters: Sendable, Hashable {
        public var inserts = 0
        public var samples = 0
        /// Items that went away: evicted, or used up.
        public var deletes = 0

        public init(inserts: Int = 0, samples: Int = 0, deletes: Int = 0) {
            (self.inserts, self.samples, self.deletes) = (inserts, samples, deletes)
        }
    }

    public let samplesPerInsert: Double
    public let minimumSize: Int
    public let minimumDifference: Double
    public let maximumDifference: Double
    public var counters = Counters()

    /// - Throws: `ReplayError` unless samplesPerInsert > 0, minimumSize ≥ 1 and minimumDifference ≤ samplesPerInsert · minimumSize ≤
    ///   maximumDifference: without the last, nobody could ever sample or insert again.
    public init(
        samplesPerInsert: Double, minimumSize: Int, minimumDifference: Double, maximumDifference: Double
    ) throws(ReplayError) {
        guard samplesPerInsert > 0, samplesPerInsert.isFinite else {
            throw Self.refused("\(samplesPerInsert) samples per insert", "Choose a number above 0.")
        }
        guard minimumSize >= 1 else { throw Self.refused("a minimum size of \(minimumSize)", "Choose at least 1.") }
        let offset = samplesPerInsert * Double(minimumSize)
        guard minimumDifference <= offset, offset <= maximumDifference else {
            throw Self.refused(
                "the differences \(minimumDifference) to \(maximumDifference) leave out samples per insert × minimum size = \(offset)",
                "Choose them around \(offset): everybody would wait for ever.")
        }
        self.init(samplesPerInsert, minimumSize, minimumDifference, maximumDifference)
    }

    /// The difference may stray from samplesPerInsert · minimumSize by `errorBuffer` to either side.
    ///
    /// - Throws: `ReplayError`, too, when errorBuffer < max(1, samplesPerInsert): no single insert or sample would fit in the band.
    public init(samplesPerInsert: Double, minimumSize: Int, errorBuffer: Double) throws(ReplayError) {
        guard errorBuffer >= max(1, samplesPerInsert) else {
            throw Self.refused(
                "an error buffer of \(errorBuffer) at \(samplesPerInsert) samples per insert",
                "Choose at least \(max(1, samplesPerInsert)): a single insert or sample would not fit in it.")
        }
        let offset = samplesPerInsert * Double(minimumSize)
        try self.init(
            samplesPerInsert: samplesPerInsert, minimumSize: minimumSize, minimumDifference: offset - errorBuffer,
            maximumDifference: offset + errorBuffer)
    }

    private init(_ samplesPerInsert: Double, _ minimumSize: Int, _ minimumDifference: Double, _ maximumDifference: Double) {
        self.samplesPerInsert = samplesPerInsert
        self.minimumSize = minimumSize
        self.minimumDifference = minimumDifference
        self.maximumDifference = maximumDifference
    }

    /// Samples wait until `size` items are there, and nothing else waits.
    public static func minimumSize(_ size: Int) -> RateLimiter {
        RateLimiter(1, max(size, 1), -.greatestFiniteMagnitude, .greatestFiniteMagnitude)
    }

    /// Samples wait for the first item.
    public static let unlimited = minimumSize(1)

    /// Every item is sampled once, and at most `size` items wait for it. Use it with `.fifo` and `maximumTimesSampled` 1.
    public static func queue(_ size: Int) -> RateLimiter { RateLimiter(1, 1, 0, Double(max(size, 1))) }

    public var size: Int { counters.inserts - counters.deletes }
    public var difference: Double { Double(counters.inserts) * samplesPerInsert - Double(counters.samples) }

    public func canSample(_ count: Int) -> Bool { size >= minimumSize && difference - Double(count) >= minimumDifference }

    public func canInsert(_ count: Int) -> Bool {
        size + count <= minimumSize
            || Double(counters.inserts + count) * samplesPerInsert - Double(counters.samples) <= maximumDifference
    }

    /// Who waits, and for what.
    public enum Block: Sendable, Hashable, CustomStringConvertible {
        case samplesWait(inserts: Int)
        case insertsWait(samples: Int)

        public var description: String {
            switch self {
            case .samplesWait(let count): "samples wait for \(count) more insert\(count == 1 ? "" : "s")"
            case .insertsWait(let count): "inserts wait for \(count) more sample\(count == 1 ? "" : "s")"
            }
        }
    }

    /// Whether samples of `count` at once have to wait, and for how many inserts. Nil when they may go on.
    public func blocked(sampling count: Int) -> Block? {
        guard !canSample(count) else { return nil }
        let forDifference = (minimumDifference + Double(count) - difference) / samplesPerInsert
        return .samplesWait(inserts: max(minimumSize - size, Self.whole(forDifference)))
    }

    /// Whether inserts of `count` at once have to wait, and for how many samples. Nil when they may go on.
    public func blocked(inserting count: Int) -> Block? {
        guard !canInsert(count) else { return nil }
        let excess = Double(counters.inserts + count) * samplesPerInsert - Double(counters.samples) - maximumDifference
        return .insertsWait(samples: Self.whole(excess))
    }

    /// At least 1; limits that are practically infinite stay countable.
    private static func whole(_ count: Double) -> Int { Int(min(max(count.rounded(.up), 1), 0x1p60)) }

    static func refused(_ problem: String, _ remedy: String) -> ReplayError {
        ReplayError(.settings, problem, place: "the replay's rate limiter", remedy: remedy)
    }
}
