/// What dynamic sampling left out: it is not trained on, but returns and costs count it.
public struct LeftOut: Sendable, Hashable {
    public var groups: UInt32
    /// Drawn and verified, in those groups.
    public var responses: UInt32
    /// Of these.
    public var correct: UInt32
    /// Of all these responses.
    public var tokens: UInt32

    /// In front of one group; then the next group is not left out.
    public static let mostResponses: UInt32 = 1 << 16

    public init(groups: UInt32 = 0, responses: UInt32 = 0, correct: UInt32 = 0, tokens: UInt32 = 0) {
        self.groups = groups
        self.responses = responses
        self.correct = correct
        self.tokens = tokens
    }

    /// What it adds to the record of episodes; the lengths are their mean.
    public var episodes: [(isCorrect: Bool, length: Int)] {
        (0..<responses).map { (isCorrect: $0 < correct, length: Int(tokens / max(responses, 1))) }
    }

    /// - Parameter countsAsSolved: false: a hint has helped.
    public mutating func add(_ group: [GroupResponse], countsAsSolved: Bool) {
        let judged = group.filter(\.isFresh)
        groups += 1
        responses += UInt32(judged.count)
        correct += countsAsSolved ? UInt32(judged.count(where: \.isCorrect)) : 0
        tokens = UInt32(clamping: judged.reduce(Int(tokens)) { $0 + $1.tokens.count })
    }
}
