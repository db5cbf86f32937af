import Tensors

/// Characters and a mark, such as "3142|" → the same characters in another order, exactly. The level is how many there are.
public protocol Rearrangement: TokenEnvironment {
    /// Where a prompt ends.
    static var mark: Character { get }
    var characters: RearrangedCharacters { get }
    static func arranged(_ asked: Substring) -> String
}

/// What is to be arranged, and how much of it.
public struct RearrangedCharacters: Sendable {
    let length: ClosedRange<Int>
    let alphabet: [Character]
    let taskCount: UInt32

    init(_ options: EnvironmentOptions) throws {
        length = try options.levels("least_length", "length")
        alphabet = Array(options["letters"] >= 0.5 ? "abcdefghijklmnopqrstuvwxyz" : "0123456789")
        taskCount = UInt32(options["tasks"])
    }
}

extension Rearrangement {
    public static var options: [EnvironmentOption] {
        [
            EnvironmentOption("length", 6, 1...64, "characters of the largest level"),
            EnvironmentOption("least_length", 2, 1...64, "characters of the smallest level"),
            EnvironmentOption("letters", 0, 0...1, "1: letters instead of digits"),
            .tasks,
        ]
    }

    public var taskCount: UInt32 { characters.taskCount }
    public var isTotal: Bool { true }
    public var levels: Int { characters.length.count }
    public var longestPrompt: Int { characters.length.upperBound + 1 }
    public var longestResponse: Int { characters.length.upperBound + 1 }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { level, stream in
            String((0..<characters.length.lowerBound + level).map { _ in stream.pick(characters.alphabet) }) + String(Self.mark)
        }
    }

    private func answer(_ task: TokenTask) -> String { Self.arranged(vocabulary.decode(task.prompt).dropLast()) }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        guard let said = finishedText(response) else { return Verdict(reward: 0, isCorrect: false) }
        let isCorrect = said == answer(task)
        return Verdict(reward: isCorrect ? 1 : 0, isCorrect: isCorrect, answer: answerKey(said))
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? { response(answer(task)) }
}
