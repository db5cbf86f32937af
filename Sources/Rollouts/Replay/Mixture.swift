import Platform

/// How many sequences of each source every update takes, so that the shares hold exactly on average: at any time each source has had its
/// share of all sequences so far, less or more than one sequence.
///
/// One sequence after the other is given to a source by the quota method (Balinski and Young, 1975).
public struct Mixture: Sendable, Hashable {
    public let sources: [DataSource]
    /// One for each source; they sum to 1.
    public let shares: [Double]
    /// Sequences of one update.
    public let batch: Int
    /// How many each source has given so far. To go on where another mixture stood, take its.
    public private(set) var counts: [Int]

    /// - Parameters:
    ///   - shares: any numbers from 0 on that are not all 0; they are divided by their sum.
    ///   - batch: sequences of one update.
    ///   - counts: what each source has given before, in the order of `shares`.
    public init(_ shares: [(source: DataSource, share: Double)], batch: Int, counts: [Int]? = nil) throws(ReplayError) {
        let sum = shares.reduce(0) { $0 + $1.share }
        guard shares.allSatisfy({ $0.share >= 0 && $0.share.isFinite }), sum > 0, sum.isFinite else {
            throw Self.refused("shares of \(shares.map { "\($0.source) \($0.share)" }.joined(separator: ", "))", "Give each a number from 0 on.")
        }
        guard Set(shares.map(\.source)).count == shares.count else { throw Self.refused("a source that is named twice", "Name each once.") }
        guard batch >= 1 else { throw Self.refused("a batch of \(batch) sequences", "Take at least 1.") }
        sources = shares.map(\.source)
        self.shares = shares.map { $0.share / sum }
        self.batch = batch
        self.counts = counts ?? Array(repeating: 0, count: shares.count)
        precondition(self.counts.count == shares.count, "\(self.counts.count) counts for \(shares.count) sources")
    }

    /// The sequences that the next update takes of each source; they sum to `batch`.
    public mutating func next() -> [(source: DataSource, count: Int)] {
        let before = counts
        for _ in 0..<batch {
            let total = Double(counts.reduce(1, +))
            // Who has less than its share of all sequences, this one included; among them who is owed the most.
            let owed = shares.indices.filter { Double(counts[$0]) < shares[$0] * total }
            let chosen = owed.max { shares[$0] / Double(counts[$0] + 1) < shares[$1] / Double(counts[$1] + 1) }
            counts[chosen ?? shares.firstIndex(of: shares.max()!)!] += 1
        }
        return sources.indices.map { (sources[$0], counts[$0] - before[$0]) }
    }

    private static func refused(_ problem: String, _ remedy: String) -> ReplayError {
        ReplayError(.settings, problem, place: "the mixture of data sources", remedy: remedy)
    }
}
