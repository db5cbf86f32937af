import Tensors

/// "382?" → "07": two digits whose sum has the last digit of the prompt's digit sum, the first of them small enough. So every prompt has
/// exactly `answers` correct responses, and the first digit tells which: `Verdict.answer` (T4 of the catalogue's proof tasks, for pass@k).
///
/// Teachers err: the answer with the first digit k has the probability `first` · `factor`ᵏ among all `choice`s, and what is left goes to
/// responses with any first digit and a wrong second one. After a warm-up on them correct answers have very different probabilities.
public struct ManyAnswers: TokenEnvironment {
    public static let id = "many-answers"
    public static let summary = "382? → any of several correct pairs of digits, of very different probability after a warm-up"
    public static let options = [
        EnvironmentOption("answers", 4, 1...10, "correct responses of every prompt"),
        EnvironmentOption("digits", 3, 1...8, "digits of a prompt"),
        EnvironmentOption("first", 0.5, 0...1, "share of the first answer among demonstrations"),
        EnvironmentOption("factor", 0.2, 0...1, "share of an answer over that of the one before"),
        .tasks,
    ]

    private let answers: Int
    private let digits: Int
    /// How often teachers give each answer.
    public let shares: [Double]
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        (answers, digits) = (Int(options["answers"]), Int(options["digits"]))
        taskCount = UInt32(options["tasks"])
        var share = options["first"]
        shares = (0..<answers).map { _ in
            defer { share *= options["factor"] }
            return share
        }
        let sum = shares.reduce(0, +)
        guard sum <= 1 + 1e-9 else {
            throw EnvironmentError(
                problem: "the shares of \(answers) answers sum up to \(sum)", place: "environment.options.first and factor",
                remedy: "Make them smaller: what is missing to 1 goes to wrong responses.")
        }
    }

    public var isTotal: Bool { true }
    public var longestPrompt: Int { digits + 1 }
    public var longestResponse: Int { 3 }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { _, stream in (0..<digits).map { _ in "\(stream.below(10))" }.joined() + "?" }
    }

    /// The last digit of the prompt's digit sum.
    private func sum(_ task: TokenTask) -> Int { vocabulary.decode(task.prompt).compactMap(\.wholeNumberValue).reduce(0, +) % 10 }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) -> Verdict {
        let said = finishedText(response)?.map { "0123456789".contains($0) ? $0.wholeNumberValue! : -1 } ?? []
        let isCorrect = said.count == 2 && (0..<answers).contains(said[0]) && said[1] >= 0 && (said[0] + said[1]) % 10 == sum(task)
        return Verdict(reward: isCorrect ? 1 : 0, isCorrect: isCorrect, answer: isCorrect ? Int32(said[0]) : -1)
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? {
        var stream = TaskStream.of("many-answers teacher \(task.id)", choice, heldOut: false)
        var left = stream.uniform()
        for (first, share) in shares.enumerated() {
            if left < share { return response("\(first)\((sum(task) - first + 10) % 10)") }
            left -= share
        }
        let first = stream.below(10)
        return response("\(first)\((sum(task) - first + 10 + stream.from(1...9)) % 10)")
    }
}
