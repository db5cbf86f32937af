import Tensors

/// "3,7,2:20" → "(3+7)*2": an expression with the value of the target that uses each number at most once. Fractions may come up on the way;
/// the value is exact. There is always a solution, and mostly there are several: `Verdict.answer` is one number for expressions that differ
/// only in order and parentheses, so that ways to the target can be counted.
///
/// The level is how many numbers there are. Teachers find other solutions with other `choice`s.
public struct Countdown: TokenEnvironment {
    public static let id = "countdown"
    public static let summary = "3,7,2:20 → an expression with that value, each number at most once; many solutions"
    public static let options = [
        EnvironmentOption("numbers", 4, 2...5, "numbers of the largest level"),
        EnvironmentOption("least_numbers", 3, 2...5, "numbers of the smallest level"),
        EnvironmentOption("largest", 10, 2...99, "the largest number"),
        EnvironmentOption("largest_target", 99, 10...9999, "the largest target"),
        .tasks,
    ]

    private let numbers: ClosedRange<Int>
    private let largest: Int
    private let largestTarget: Int
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        numbers = try options.levels("least_numbers", "numbers")
        (largest, largestTarget) = (Int(options["largest"]), Int(options["largest_target"]))
        taskCount = UInt32(options["tasks"])
    }

    public var isTotal: Bool { true }
    public var levels: Int { numbers.count }
    public var longestPrompt: Int { numbers.upperBound * (String(largest).count + 1) + String(max(largest, largestTarget)).count }
    /// Every number, an operation and a pair of parentheses for each but one, and the stop token.
    public var longestResponse: Int { numbers.upperBound * (String(largest).count + 3) - 2 }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    /// Targets are what random operations lead to, through whole numbers from 1 to the largest target: so there is a solution.
    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { level, stream in
            var (given, values) = ([Int](), [Int]())
            // A target that is given already is drawn again, but where the options hardly allow for another.
            for _ in 0..<16 where values.isEmpty || given.contains(values[0]) {
                given = (0..<numbers.lowerBound + level).map { _ in stream.from(1...largest) }
                values = given
                while values.count > 1 {
                    values = stream.shuffled(values)
                    let (a, b) = (values.removeLast(), values.removeLast())
                    // Of two equal numbers there is a quotient, and of others a difference.
                    values.append(stream.pick(operations(a, b)).value)
                }
            }
            return given.map(String.init).joined(separator: ",") + ":\(values[0])"
        }
    }

    /// What can be made of two numbers, without leaving the whole numbers from 1 to the largest target, or the largest number.
    private func operations(_ a: Int, _ b: Int) -> [(sign: Character, isSwapped: Bool, value: Int)] {
        let (high, low) = (max(a, b), min(a, b))
        var found: [(Character, Bool, Int)] = [("+", false, a + b), ("*", false, a * b), ("-", a < b, high - low)]
        if high % low == 0 { found.append(("/", a < b, high / low)) }
        return found.filter { (1...max(largest, largestTarget)).contains($0.2) }
    }

    private func parts(_ task: TokenTask) throws -> (numbers: [Int], target: Int) {
        let prompt = vocabulary.decode(task.prompt)
        let sides = prompt.split(separator: ":").map { $0.split(separator: ",").compactMap { Int($0) } }
        guard sides.count == 2, sides[1].count == 1 else {
            throw TokenTaskError(
                problem: "the prompt is no list of numbers with a target behind a colon", place: "the prompt \"\(prompt)\"",
                remedy: "Give the tasks of this environment.")
        }
        return (sides[0], sides[1][0])
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        var (left, target) = try parts(task)
        guard let expression = finishedText(response).flatMap({ CountdownExpression($0) }) else { return Verdict(reward: 0, isCorrect: false) }
        var isCorrect = expression.value == CountdownExpression.Fraction(numerator: target, denominator: 1)
        for number in expression.numbers where isCorrect {
            if let index = left.firstIndex(of: number) { left.remove(at: index) } else { isCorrect = false }
        }
        return Verdict(reward: isCorrect ? 1 : 0, isCorrect: isCorrect, answer: answerKey(expression.normalForm))
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? {
        guard let (numbers, target) = try? parts(task) else { return nil }
        // Which solution comes first depends on the order in which pairs and operations are tried.
        var stream = TaskStream.of("countdown teacher", choice, heldOut: false)
        return solution(numbers.map { (.number($0), $0) }, target, &stream).map { response($0.text) }
    }

    private func solution(_ values: [(expression: CountdownExpression, value: Int)], _ target: Int, _ stream: inout RandomStream) -> CountdownExpression? {
        if let found = values.first(where: { $0.value == target }) { return found.expression }
        let pairs = values.indices.flatMap { first in (0..<first).map { (first, $0) } }
        for (first, second) in stream.shuffled(pairs) {
            let (a, b) = (values[first], values[second])
            let rest = values.indices.filter { $0 != first && $0 != second }.map { values[$0] }
            for (sign, isSwapped, value) in stream.shuffled(operations(a.value, b.value)) {
                let made: CountdownExpression =
                    isSwapped ? .operation(b.expression, sign, a.expression) : .operation(a.expression, sign, b.expression)
                if let found = solution(rest + [(made, value)], target, &stream) { return found }
            }
        }
        return nil
    }
}
