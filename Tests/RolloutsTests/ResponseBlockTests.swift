import Platform
import Rollouts
import Tensors
import Testing
import TestSupport

/// Rollouts of responses: they come back as they were, and nothing that is damaged is taken or brings the learner down.
@Suite struct ResponseBlockTests {
    private static let shape = RolloutShape(responses: ResponseShape(vocabulary: 8, context: 16, tasks: 100, rewards: 3))

    private static func groups(_ seed: UInt64) -> [ResponseGroup] {
        var dice = TestSupport.Dice(seed)
        return (0..<3).map { group in
            ResponseGroup(
                task: UInt32(group * 7), difficulty: UInt16(group), prompt: [1, 2, 3].map { Int32($0) },
                responses: (0..<4).map { member in
                    let length = Int.random(in: 0...6, using: &dice)
                    return GroupResponse(
                        tokens: (0..<length).map { _ in Int32.random(in: 0..<8, using: &dice) },
                        logProbs: (0..<length).map { _ in Float.random(in: -3...0, using: &dice) },
                        versions: (0..<length).map { _ in UInt64.random(in: 3...9, using: &dice) },
                        roles: (0..<length).map { _ in TokenRole.allCases.randomElement(using: &dice)! }, rewards: [0.5, 1, -2],
                        isCorrect: member % 2 == 0, answer: Int32(member) - 1, end: ResponseEnd.allCases[member], source: .live,
                        parent: member == 3 ? 0 : -1, firstOwnToken: min(member, length), isBaseline: member == 1)
                }, leftOut: LeftOut(groups: UInt32(group), responses: 9, correct: 4, tokens: 31))
        }
    }

    private static func rollout(_ groups: [ResponseGroup], columns: ((ResponseBlock) -> ResponseBlock)? = nil) -> Rollout {
        let block = ResponseBlock(groups, version: 9)
        return Rollout(
            id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 9, drawn: groups.reduce(0) { $0 + $1.drawnTokens },
            responses: columns?(block) ?? block)
    }

    @Test(arguments: 1...5) func groupsComeBackAsTheyWere(_ seed: UInt64) throws {
        let rollout = Self.rollout(Self.groups(seed))
        try rollout.validate(Self.shape)
        #expect(rollout.groups == Self.groups(seed))
    }

    @Test func countsOfDrawnTokensMustAgree() {
        let block = ResponseBlock(Self.groups(1), version: 9)
        let rollout = Rollout(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 9, drawn: 1000, responses: block)
        #expect(throws: RolloutError.self) { try rollout.validate(Self.shape) }
    }

    /// What was left out is made to episodes: not more of them than an actor can have drawn.
    @Test(arguments: [LeftOut(responses: 3, correct: 4), LeftOut(responses: 2 * LeftOut.mostResponses), LeftOut(groups: .max), LeftOut(tokens: 1 << 31)])
    func whatCannotHaveBeenLeftOutIsRefused(_ leftOut: LeftOut) {
        var groups = Self.groups(1)
        groups[2].leftOut = leftOut
        let isKept = (try? Self.rollout(groups).validate(Self.shape)) != nil
        // Numbers beyond 2³¹ − 1 travel as that.
        #expect(isKept == (leftOut.responses == 0))
    }

    @Test func stepsAreNoResponses() {
        let steps = RolloutShape(observation: .discrete(2), action: .discrete(2), steps: 1, maximumSlots: 1)
        #expect(throws: RolloutError.self) { try Self.rollout(Self.groups(1)).validate(steps) }
    }

    /// One damaged column at a time: a byte, a word, or its length.
    @Test(arguments: 0..<9) func damagedColumnsAreRefusedOrHarmless(_ index: Int) {
        var dice = TestSupport.Dice(UInt64(index) + 11)
        var refused = 0
        for _ in 0..<400 {
            let groups = Self.groups(3)
            let rollout = Self.rollout(groups) { block in
                var columns = block.columns
                let old = columns[index]
                var bytes = old.bytes.withBytes { Array($0) }
                guard !bytes.isEmpty else { return block }
                let at = Int.random(in: 0..<bytes.count, using: &dice)
                if dice.chance(0.5) {
                    bytes[at] = UInt8.random(in: 0...255, using: &dice)
                } else {
                    for byte in at & ~3..<min(at & ~3 + 4, bytes.count) { bytes[byte] = UInt8.random(in: 0...255, using: &dice) }
                }
                columns[index] = Column(old.name, old.type, old.shape, bytes.withUnsafeBytes { SharedBytes(copying: $0) })
                return ResponseBlock(
                    groups: columns[0], prompts: columns[1], responses: columns[2], rewards: columns[3], tokens: columns[4], logProbs: columns[5],
                    ages: columns[6], roles: columns[7], entropies: columns[8])
            }
            do {
                try rollout.validate(Self.shape)
                _ = rollout.groups
            } catch {
                refused += 1
            }
        }
        // Hardly a random number is infinite, and the last column is empty.
        if index != 3, index != 8 { #expect(refused > 0) }
    }

    @Test(arguments: [Float.nan, .infinity]) func numbersThatAreNoneAreNamed(_ value: Float) throws {
        var groups = Self.groups(1)
        groups[0].responses[0].rewards[1] = value
        let error = #expect(throws: RolloutError.self) { try Self.rollout(groups).validate(Self.shape) }
        #expect(error?.isNonFinite == true && "\(error!)".contains("rewards"))
    }
}
