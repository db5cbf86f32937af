import Tensors

/// "3142|" → "2413": the characters from the last to the first, exactly. The level is how many there are.
public struct Reversal: TokenEnvironment {
    public static let id = "reverse"
    public static let summary = "3142| → the characters from the last to the first; exact match"
    public static let options = [
        EnvironmentOption("length", 6, 1...64, "characters of the largest level"),
        EnvironmentOption("least_length", 2, 1...64, "characters of the smallest level"),
        EnvironmentOption("letters", 0, 0...1, "1: letters instead of digits"),
        .tasks,
    ]

    private let length: ClosedRange<Int>
    private let alphabet: [Character]
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        length = try options.levels("least_length", "length")
        alphabet = Array(options["letters"] >= 0.5 ? "abcdefghijklmnopqrstuvwxyz" : "0123456789")
        taskCount = UInt32(options["tasks"])
    }

    public var isTotal: Bool { true }
    public var levels: Int { length.count }
    public var longestPrompt: Int { length.upperBound + 1 }
    public var longestResponse: Int { length.upperBound + 1 }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { level, stream in
            String((0..<length.lowerBound + level).map { _ in stream.pick(alphabet) }) + "|"
        }
    }

    private func answer(_ task: TokenTask) -> String {
        let asked = vocabulary.decode(task.prompt).dropLast()
        return String(asked.reversed())
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) -> Verdict {
        guard let said = finishedText(response) else { return Verdict(reward: 0, isCorrect: false) }
        let isCorrect = said == answer(task)
        return Verdict(reward: isCorrect ? 1 : 0, isCorrect: isCorrect, answer: answerKey(said))
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? { response(answer(task)) }
}
