import Tensors

/// "17:" → a secret of `length` characters: hard exploration. A policy that is even over the symbols opens a lock with probability
/// symbols⁻ˡᵉⁿᵍᵗʰ, and nothing but success is rewarded. The secret is the task's solution, so its beginnings are hints.
///
/// Nothing of one lock follows from the others: held-out tasks are the training tasks. Of the share `demonstrated` of the tasks there are
/// demonstrations. With `guesses` they are not the secret but any strings of that form, for a warm-up that tells nothing else: teachers err.
public struct CombinationLock: TokenEnvironment {
    public static let id = "lock"
    public static let summary = "17: → the secret string of that lock; reward for the whole of it only"
    public static let options = [
        EnvironmentOption("length", 6, 1...64, "symbols of a secret"),
        EnvironmentOption("symbols", 6, 2...36, "how many symbols there are: 0 to 9, then a to z"),
        EnvironmentOption("demonstrated", 1, 0...1, "share of the tasks with demonstrations"),
        EnvironmentOption("guesses", 0, 0...1, "1: demonstrations are random strings instead of the secret"),
        EnvironmentOption("tasks", 32, 1...1e9, "locks"),
    ]

    private let length: Int
    private let symbols: [Character]
    private let demonstrated: Double
    private let guesses: Bool
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        length = Int(options["length"])
        symbols = Array("0123456789abcdefghijklmnopqrstuvwxyz".prefix(Int(options["symbols"])))
        demonstrated = options["demonstrated"]
        guesses = options["guesses"] >= 0.5
        taskCount = UInt32(options["tasks"])
    }

    public var isTotal: Bool { true }
    public var longestPrompt: Int { String(taskCount - 1).count + 1 }
    public var longestResponse: Int { length + 1 }

    public func task(_ id: UInt32) -> TokenTask { TokenTask(id: id, prompt: vocabulary.tokens(ofOwn: "\(id % taskCount):")) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { task(id) }

    /// The characters that open the lock of a prompt.
    private func secret(_ task: TokenTask) -> String { string("lock \(vocabulary.decode(task.prompt))", 0) }

    private func string(_ name: String, _ number: UInt32) -> String {
        var stream = TaskStream.of(name, number, heldOut: false)
        return String((0..<length).map { _ in stream.pick(symbols) })
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) -> Verdict {
        guard let said = finishedText(response) else { return Verdict(reward: 0, isCorrect: false) }
        let isCorrect = said == secret(task)
        return Verdict(reward: isCorrect ? 1 : 0, isCorrect: isCorrect, answer: answerKey(said))
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? {
        let prompt = vocabulary.decode(task.prompt)
        var stream = TaskStream.of("lock shown \(prompt)", 0, heldOut: false)
        guard stream.uniform() < demonstrated else { return nil }
        return response(guesses ? string("lock guess \(prompt)", choice) : secret(task))
    }
}
