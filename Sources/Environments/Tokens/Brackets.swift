import Tensors

/// "([]{:" → "})": the brackets that close what a prefix has opened, in the right order, exactly.
///
/// The level is how many are open at the end; pairs that are closed already stand in between.
public struct Brackets: TokenEnvironment {
    public static let id = "brackets"
    public static let summary = "([]{: → the brackets that close it; exact match"
    public static let options = [
        EnvironmentOption("depth", 6, 1...32, "open brackets of the largest level"),
        EnvironmentOption("least_depth", 1, 1...32, "open brackets of the smallest level"),
        EnvironmentOption("kinds", 3, 1...4, "kinds of brackets, of (), [], {} and <>"),
        EnvironmentOption("pairs", 3, 0...32, "the most pairs that are closed already"),
        .tasks,
    ]
    private static let closing: [Character: Character] = ["(": ")", "[": "]", "{": "}", "<": ">"]

    private let depth: ClosedRange<Int>
    private let opening: [Character]
    private let pairs: Int
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        depth = try options.levels("least_depth", "depth")
        opening = Array("([{<".prefix(Int(options["kinds"])))
        pairs = Int(options["pairs"])
        taskCount = UInt32(options["tasks"])
    }

    public var isTotal: Bool { true }
    public var levels: Int { depth.count }
    public var longestPrompt: Int { depth.upperBound + 2 * pairs + 1 }
    public var longestResponse: Int { depth.upperBound + 1 }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { level, stream in
            var prefix = (0..<depth.lowerBound + level).map { _ in stream.pick(opening) }
            // A pair may be put anywhere, also into another one.
            for _ in 0..<stream.from(0...pairs) {
                let bracket = stream.pick(opening)
                prefix.insert(contentsOf: [bracket, Self.closing[bracket]!], at: stream.below(prefix.count + 1))
            }
            return String(prefix) + ":"
        }
    }

    /// What closes a prefix, the innermost first.
    private func answer(_ task: TokenTask) -> String {
        var open: [Character] = []
        for bracket in vocabulary.decode(task.prompt) {
            if let closing = Self.closing[bracket] { open.append(closing) } else if bracket == open.last { open.removeLast() }
        }
        return String(open.reversed())
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) -> Verdict {
        guard let said = finishedText(response) else { return Verdict(reward: 0, isCorrect: false) }
        let isCorrect = said == answer(task)
        return Verdict(reward: isCorrect ? 1 : 0, isCorrect: isCorrect, answer: answerKey(said))
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? { response(answer(task)) }
}
