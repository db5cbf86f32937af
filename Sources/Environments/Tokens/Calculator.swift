import Tensors

/// "12*34+5=" → "=413": whole numbers with several operations, and a tool. A turn "[12*34]" asks the calculator for one operation of two
/// numbers, which may be negative: the reply is "408;", or "!;" where there is no result, and the policy goes on. "=413" ends the response,
/// and so does any turn that is neither, or a call too many.
///
/// The level is the number of operations. Teachers use the calculator for each of them when `choice` is even, and answer at once when it is odd.
public struct Calculator: TokenEnvironment {
    public static let id = "calculator"
    public static let summary = "12*34+5= → calls [12*34] of a calculator in several turns, then =413"
    public static let options = [
        EnvironmentOption("operations", 3, 1...6, "operations of the largest level"),
        EnvironmentOption("least_operations", 1, 1...6, "operations of the smallest level"),
        EnvironmentOption("largest", 99, 1...99, "the largest number in a prompt"),
        EnvironmentOption("calls", 6, 0...64, "the most calls of a response"),
        EnvironmentOption("call_cost", 0, 0...1, "taken from the reward of a correct response for each call"),
        .tasks,
    ]

    private let operations: ClosedRange<Int>
    private let largest: Int
    private let calls: Int
    private let callCost: Float
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        operations = try options.levels("least_operations", "operations")
        (largest, calls, callCost) = (Int(options["largest"]), Int(options["calls"]), Float(options["call_cost"]))
        taskCount = UInt32(options["tasks"])
    }

    public var isTotal: Bool { true }
    public var levels: Int { operations.count }
    public var longestPrompt: Int { (operations.upperBound + 1) * (String(largest).count + 1) }
    /// Three results with a bracket, an operation, a bracket, the stop token and ";" for each call, then "=", a result and the stop token.
    public var longestResponse: Int { calls * (3 * longestResult + 5) + longestResult + 2 }
    private var longestResult: Int { ArithmeticExpression.longestResult(operations.upperBound, largest: largest) }
    /// How many calls there were.
    public var rewardNames: [String] { ["calls"] }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { level, stream in
            ArithmeticExpression.random(operations.lowerBound + level, largest: largest, &stream) + "="
        }
    }

    /// What a turn asks the calculator: "[", a number, a sign, a number, "]"; both numbers no longer than results are.
    private func call(_ turn: String) -> ArithmeticExpression.Step?? {
        guard turn.first == "[", turn.last == "]", turn.count >= 2 else { return nil }
        let asked = turn.dropFirst().dropLast()
        // The first character may be the sign of a number.
        guard let sign = asked.dropFirst().firstIndex(where: { "+-*".contains($0) }),
            let left = number(asked[..<sign]), let right = number(asked[asked.index(after: sign)...])
        else { return .some(nil) }
        return ArithmeticExpression.Step(left: left, sign: asked[sign], right: right)
    }

    private func number(_ text: Substring) -> Int? {
        let digits = text.first == "-" ? text.dropFirst() : text
        return digits.allSatisfy { "0123456789".contains($0) } && text.count <= longestResult ? Int(text) : nil
    }

    public func turn(_ task: TokenTask, _ response: ArraySlice<Int32>) -> Turn {
        guard let turns = turnTexts(response), turns.count <= calls, let call = turns.last.flatMap(call) else { return .over }
        // A longer result would not fit where responses have room for.
        let result = call?.result.map(String.init).flatMap { $0.count <= longestResult ? $0 : nil }
        return reply(result ?? "!")
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        let value = try ArithmeticExpression.ofPrompt(vocabulary.decode(task.prompt)).value
        guard let turns = turnTexts(response), let said = turns.last else { return Verdict(reward: 0, isCorrect: false, parts: [0]) }
        let called = turns.dropLast().filter { call($0) != nil }.count
        let isFinished = called == turns.count - 1 && called <= calls && said.first == "="
        let isCorrect = isFinished && said.dropFirst() == "\(value)"
        return Verdict(
            reward: isCorrect ? 1 - callCost * Float(called) : 0, isCorrect: isCorrect,
            answer: isFinished ? answerKey(said) : -1, parts: [Float(called)])
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? {
        guard let expression = try? ArithmeticExpression.ofPrompt(vocabulary.decode(task.prompt)) else { return nil }
        let steps = choice % 2 == 0 && expression.steps.count <= calls ? expression.steps : []
        return response(steps.map { "[\($0.left)\($0.sign)\($0.right)]\n\($0.result!);" }.joined() + "=\(expression.value)")
    }
}
