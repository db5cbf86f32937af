import Tensors

/// Numbers with +, - and * between them: "12*3-40+5"; * binds before the others, and among equals the left one comes first.
struct ArithmeticExpression {
    /// One operation of two numbers.
    struct Step {
        let left: Int
        let sign: Character
        let right: Int

        /// nil: it does not fit in 64 bits.
        var result: Int? {
            let (value, overflows) = switch sign {
            case "+": left.addingReportingOverflow(right)
            case "-": left.subtractingReportingOverflow(right)
            default: left.multipliedReportingOverflow(by: right)
            }
            return overflows ? nil : value
        }
    }

    private let numbers: [Int]
    private let signs: [Character]

    /// nil: the text is something else, or its value may not fit in 64 bits.
    private init?(_ text: some StringProtocol) {
        numbers = text.split(omittingEmptySubsequences: false) { "+-*".contains($0) }.compactMap { $0.allSatisfy(\.isNumber) ? Int($0) : nil }
        signs = text.filter { "+-*".contains($0) }
        guard numbers.count == signs.count + 1, numbers.reduce(1, { $0 * max(Double($1), 2) }) < 0x1p62 else { return nil }
    }

    /// The expression before the "=" with which prompts end.
    static func ofPrompt(_ prompt: String) throws(TokenTaskError) -> ArithmeticExpression {
        guard prompt.last == "=", let expression = ArithmeticExpression(prompt.dropLast()) else {
            throw TokenTaskError(
                problem: "the prompt is no expression of numbers, +, - and * with a = behind it", place: "the prompt \"\(prompt)\"",
                remedy: "Give the tasks of this environment.")
        }
        return expression
    }

    static func random(_ operations: Int, largest: Int, _ stream: inout RandomStream) -> String {
        var text = "\(stream.from(0...largest))"
        for _ in 0..<operations { text += "\(stream.pick(["+", "-", "*"]))\(stream.from(0...largest))" }
        return text
    }

    /// The most characters that a result of so many operations has, with its sign; no product or sum is larger than that of numbers from 2.
    static func longestResult(_ operations: Int, largest: Int) -> Int {
        String((0...operations).reduce(1) { product, _ in product * max(largest, 2) }).count + 1
    }

    /// The operations in their order.
    var steps: [Step] {
        var (numbers, signs, steps) = (numbers, signs, [Step]())
        while let first = signs.firstIndex(of: "*") ?? signs.indices.first {
            let step = Step(left: numbers[first], sign: signs.remove(at: first), right: numbers.remove(at: first + 1))
            // Numbers from 2 on have a product below 2⁶², and no sum or product of others is larger.
            numbers[first] = step.result!
            steps.append(step)
        }
        return steps
    }

    var value: Int { steps.last?.result ?? numbers[0] }
}
