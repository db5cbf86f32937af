import Tensors

/// "3+4*2-5=" → "6": whole numbers with several operations, exactly; * binds before + and -, and results may be negative.
///
/// The level is the number of operations.
public struct Arithmetic: TokenEnvironment {
    public static let id = "arithmetic"
    public static let summary = "a+b*c-d= → the result; exact match"
    public static let options = [
        EnvironmentOption("operations", 3, 1...8, "operations of the largest level"),
        EnvironmentOption("least_operations", 1, 1...8, "operations of the smallest level"),
        EnvironmentOption("largest", 9, 1...99, "the largest number in a prompt"),
        .tasks,
    ]

    private let operations: ClosedRange<Int>
    private let largest: Int
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        operations = try options.levels("least_operations", "operations")
        largest = Int(options["largest"])
        taskCount = UInt32(options["tasks"])
    }

    public var isTotal: Bool { true }
    public var levels: Int { operations.count }
    public var longestPrompt: Int { (operations.upperBound + 1) * (String(largest).count + 1) }
    public var longestResponse: Int { ArithmeticExpression.longestResult(operations.upperBound, largest: largest) + 1 }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { level, stream in
            ArithmeticExpression.random(operations.lowerBound + level, largest: largest, &stream) + "="
        }
    }

    private func answer(_ task: TokenTask) throws -> String {
        "\(try ArithmeticExpression.ofPrompt(vocabulary.decode(task.prompt)).value)"
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        guard let said = finishedText(response) else { return Verdict(reward: 0, isCorrect: false) }
        let isCorrect = said == (try answer(task))
        return Verdict(reward: isCorrect ? 1 : 0, isCorrect: isCorrect, answer: answerKey(said))
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? { (try? answer(task)).map(response) }
}
