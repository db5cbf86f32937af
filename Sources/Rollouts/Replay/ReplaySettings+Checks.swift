import Tensors

extension ReplaySettings {
    /// Settings that contradict each other or the rollouts, and those under which samples and inserts could wait for each other for ever.
    ///
    /// - Parameter sequences: how many there are at least, once that many were inserted.
    func check(_ shape: RolloutShape, sequences: Int) throws(ReplayError) {
        func refuse(_ problem: String, _ remedy: String) throws(ReplayError) {
            throw ReplayError(.settings, problem, place: "the replay's settings", remedy: remedy)
        }
        guard (0...shape.steps).contains(sequenceOverlap) else {
            return try refuse(
                "an overlap of \(sequenceOverlap) steps with rollouts of \(shape.steps)", "Choose 0 to \(shape.steps), or longer rollouts.")
        }
        guard shape.stateCount == 0 || sequenceOverlap == 0 || sequenceOverlap == shape.steps else {
            return try refuse(
                "an overlap of \(sequenceOverlap) steps for a network with memory and rollouts of \(shape.steps) steps",
                "Choose 0 or \(shape.steps), or rollouts of \(sequenceOverlap) steps: the recurrent state is known only where a rollout begins.")
        }
        if let maximumSequences, maximumSequences < 1 { try refuse("a maximum of \(maximumSequences) sequences", "Choose at least 1.") }
        if let maximumTimesSampled, !(1...Int(UInt16.max)).contains(maximumTimesSampled) {
            try refuse("sequences that are sampled at most \(maximumTimesSampled) times", "Choose 1 to \(UInt16.max), or no limit.")
        }
        if samplesAtOnce < 1 { try refuse("\(samplesAtOnce) samples at once", "Choose at least 1.") }
        if case .prioritized(let alpha, let epsilon) = selector {
            // Up to here no weight and no sum of weights overflows.
            guard (0...4).contains(alpha) else { return try refuse("a priority exponent alpha of \(alpha)", "Choose 0 to 4.") }
            guard epsilon > 0, epsilon <= 1 else { return try refuse("a priority epsilon of \(epsilon)", "Choose a number above 0, up to 1.") }
        }
        try limiter.check(
            samplesAtOnce: samplesAtOnce, insertsAtOnce: shape.maximumSlots, items: sequences, maximumTimesSampled: maximumTimesSampled,
            inOrder: selector == .fifo)
    }
}

extension RateLimiter {
    /// Refuses limits under which samples of n at once and inserts of m at once could wait for each other for ever. With
    /// d = inserts · samplesPerInsert − samples:
    ///
    /// - with enough items, samples wait while d < minimumDifference + n, inserts while d > maximumDifference − m · samplesPerInsert; the
    ///   band must be wide enough for not both;
    /// - with fewer items than samples need (f), only inserts can help, so they must not wait: in the beginning, where nothing was sampled
    ///   yet, and where items go away after K ≥ samplesPerInsert uses. Items that were evicted before their K uses add to d for good; since
    ///   that happens only while the table is full, with C items, d is at most maximumDifference + max(1, samplesPerInsert) · (f − 1) − C
    ///   when fewer than f are left. This needs a table without holes, so items that are used up must be the oldest ones.
    ///
    /// - Parameters:
    ///   - items: how many the table keeps at least, once that many were inserted (C).
    ///   - inOrder: items are used up in the order of insertion, and the n samples are n items.
    func check(
        samplesAtOnce n: Int, insertsAtOnce m: Int, items: Int, maximumTimesSampled: Int?, inOrder: Bool
    ) throws(ReplayError) {
        let floor = inOrder || maximumTimesSampled != nil ? max(minimumSize, n) : minimumSize
        guard floor <= items else {
            throw Self.refused(
                "samples wait for \(floor) sequences, the replay keeps \(items)", "Lower the minimum size, or give the replay more room.")
        }
        guard maximumDifference < .greatestFiniteMagnitude else { return }
        if let maximumTimesSampled {
            guard inOrder else {
                throw Self.refused(
                    "a maximum difference with random samples and a maximum of \(maximumTimesSampled) uses",
                    "Sample in order (fifo), set no maximum of uses, or limit by the minimum size alone.")
            }
            guard Double(maximumTimesSampled) >= samplesPerInsert else {
                throw Self.refused(
                    "\(samplesPerInsert) samples per insert of sequences that are sampled at most \(maximumTimesSampled) times",
                    "Let them be sampled at least \(Int(samplesPerInsert.rounded(.up))) times.")
            }
            let needed = max(1, samplesPerInsert) * Double(floor - 1) + Double(m) * samplesPerInsert
            guard Double(items) >= needed else {
                throw Self.refused(
                    "a replay that keeps \(items) sequences, with \(m) inserts at once",
                    "Let it keep at least \(Int(needed.rounded(.up))): sequences would be evicted before they were used.")
            }
        }
        let band = Double(n) + Double(m) * samplesPerInsert
        guard maximumDifference - minimumDifference >= band else {
            throw Self.refused(
                "a band of \(maximumDifference - minimumDifference) between the differences, with \(n) samples and \(m) inserts at once",
                "Widen it to at least \(band): both could wait for ever.")
        }
        let reached = samplesPerInsert * Double(floor - 1 + m)
        guard maximumDifference >= reached else {
            throw Self.refused(
                "a maximum difference of \(maximumDifference), with \(m) inserts at once",
                "Raise it to at least \(reached): inserts would stop before there are \(floor) sequences to sample from.")
        }
    }
}
