import Tensors

/// "7+3*4%" → "!#0" or "?00#0": the chain with a control token in front, "!" for a short response and "?" for a thought one (S172,
/// DeGRPO). A short response that is correct is worth more than a thought one, and a wrong one costs.
///
/// The first token of every response is the control token; a response without one is wrong. The level is the number of operations.
/// Teachers answer at once when `choice` is even, and write every value when it is odd; so both modes are as frequent after a warm-up.
public struct ModeChain: TokenEnvironment {
    public static let id = "mode-chain"
    public static let summary = "7+3*4% → ! or ? first (short or thought), then work tokens, # and the digit modulo 10"
    public static let options = [
        EnvironmentOption("operations", 4, 1...16, "operations of the largest level"),
        EnvironmentOption("least_operations", 1, 1...16, "operations of the smallest level"),
        EnvironmentOption("short_work", 2, 0...256, "the most work tokens after !"),
        EnvironmentOption("thought_work", 32, 0...4096, "the most work tokens after ?"),
        EnvironmentOption("short_reward", 1, -10...10, "reward of a correct short response"),
        EnvironmentOption("thought_reward", 0.5, -10...10, "reward of a correct thought response"),
        EnvironmentOption("wrong_reward", -1, -10...10, "reward of any other response"),
        .tasks,
    ]

    private let operations: ClosedRange<Int>
    private let work: (short: Int, thought: Int)
    private let rewards: (short: Float, thought: Float, wrong: Float)
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        operations = try options.levels("least_operations", "operations")
        work = (Int(options["short_work"]), Int(options["thought_work"]))
        rewards = (Float(options["short_reward"]), Float(options["thought_reward"]), Float(options["wrong_reward"]))
        taskCount = UInt32(options["tasks"])
        guard work.thought >= operations.upperBound else {
            throw EnvironmentError(
                problem: "thought_work is \(work.thought), fewer tokens than the \(operations.upperBound) values of the longest chain",
                place: "environment.options.thought_work", remedy: "Allow for at least one work token for each operation.")
        }
    }

    public var isTotal: Bool { true }
    public var levels: Int { operations.count }
    public var longestPrompt: Int { 2 * operations.upperBound + 2 }
    public var longestResponse: Int { max(work.short, work.thought) + 4 }
    /// 1 or 0 each: what was asked for, and in which mode.
    public var rewardNames: [String] { ["correct", "short", "thought"] }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { level, stream in
            ModularChain.random(operations.lowerBound + level, signs: ["+", "-", "*"], &stream)
        }
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        let chain = try ModularChain(prompt: vocabulary.decode(task.prompt))
        let text = text(response)
        let (isShort, isThought) = (text.first == "!", text.first == "?")
        let said = finishedText(response).flatMap { WorkedAnswer($0.dropFirst()) }
        let allowed = isShort ? work.short : isThought ? work.thought : -1
        let isCorrect = said.map { $0.digit == chain.answer && $0.work <= allowed } ?? false
        return Verdict(
            reward: !isCorrect ? rewards.wrong : isShort ? rewards.short : rewards.thought, isCorrect: isCorrect,
            answer: said.map { Int32($0.digit) } ?? -1, parts: [isCorrect, isShort, isThought].map { $0 ? 1 : 0 })
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? {
        guard let chain = try? ModularChain(prompt: vocabulary.decode(task.prompt)) else { return nil }
        return response(choice % 2 == 0 ? "!#\(chain.answer)" : "?" + chain.values.map { "\($0)" }.joined() + "#\(chain.answer)")
    }
}
