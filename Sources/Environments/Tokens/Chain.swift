import Tensors

/// "7+3*4%" → "00#0": a digit and operations modulo 10 from the left to the right. Before "#" and the answer there may be any number of
/// work tokens, which are not looked at (T3 of the catalogue's proof tasks, and its ModSum with the option `sums`): length is free.
///
/// The level is the number of operations. Teachers write every value when `choice` is even, and the answer at once when it is odd.
public struct Chain: TokenEnvironment {
    public static let id = "chain"
    public static let summary = "7+3*4% → work tokens, # and the digit modulo 10; only the digit counts"
    public static let options = [
        EnvironmentOption("operations", 4, 1...16, "operations of the largest level"),
        EnvironmentOption("least_operations", 1, 1...16, "operations of the smallest level"),
        EnvironmentOption("work", 16, 0...4096, "the most work tokens; more make a response wrong"),
        EnvironmentOption("sums", 0, 0...1, "1: only additions"),
        .tasks,
    ]

    private let operations: ClosedRange<Int>
    private let work: Int
    private let signs: [Character]
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        operations = try options.levels("least_operations", "operations")
        work = Int(options["work"])
        signs = options["sums"] >= 0.5 ? ["+"] : ["+", "-", "*"]
        taskCount = UInt32(options["tasks"])
    }

    public var isTotal: Bool { true }
    public var levels: Int { operations.count }
    public var longestPrompt: Int { 2 * operations.upperBound + 2 }
    public var longestResponse: Int { work + 3 }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { level, stream in
            ModularChain.random(operations.lowerBound + level, signs: signs, &stream)
        }
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        let chain = try ModularChain(prompt: vocabulary.decode(task.prompt))
        guard let said = finishedText(response).flatMap({ WorkedAnswer($0) }) else { return Verdict(reward: 0, isCorrect: false) }
        let isCorrect = said.digit == chain.answer && said.work <= work
        return Verdict(reward: isCorrect ? 1 : 0, isCorrect: isCorrect, answer: Int32(said.digit))
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? {
        guard let chain = try? ModularChain(prompt: vocabulary.decode(task.prompt)) else { return nil }
        let written = choice % 2 == 0 && chain.values.count <= work ? chain.values.map { "\($0)" }.joined() : ""
        return response("\(written)#\(chain.answer)")
    }
}
