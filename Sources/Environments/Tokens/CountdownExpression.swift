/// What a response of Countdown says: numbers with +, -, *, / and parentheses, as they are usually read.
indirect enum CountdownExpression {
    case number(Int)
    case operation(CountdownExpression, Character, CountdownExpression)

    /// A fraction in lowest terms, whose denominator is positive.
    struct Fraction: Hashable {
        let numerator: Int
        let denominator: Int
    }

    /// nil: the text is no expression, or is nested more than 32 deep.
    init?(_ text: String) {
        var parser = Parser(text: Array(text))
        guard let expression = parser.sum(depth: 0), parser.position == parser.text.count else { return nil }
        self = expression
    }

    private struct Parser {
        let text: [Character]
        var position = 0

        private var next: Character? { position < text.count ? text[position] : nil }

        mutating func sum(depth: Int) -> CountdownExpression? { chain("+-", of: { $0.product(depth: depth) }) }

        private mutating func product(depth: Int) -> CountdownExpression? { chain("*/", of: { $0.factor(depth: depth) }) }

        private mutating func chain(_ signs: String, of part: (inout Parser) -> CountdownExpression?) -> CountdownExpression? {
            guard var left = part(&self) else { return nil }
            while let sign = next, signs.contains(sign) {
                position += 1
                guard let right = part(&self) else { return nil }
                left = .operation(left, sign, right)
            }
            return left
        }

        private mutating func factor(depth: Int) -> CountdownExpression? {
            if next == "(" {
                guard depth < 32 else { return nil }
                position += 1
                guard let inner = sum(depth: depth + 1), next == ")" else { return nil }
                position += 1
                return inner
            }
            let digits = text[position...].prefix { "0123456789".contains($0) }
            guard let number = Int(String(digits)) else { return nil }
            position += digits.count
            return .number(number)
        }
    }

    /// The exact value; nil: a division by zero, or numbers beyond 64 bits on the way.
    var value: Fraction? {
        switch self {
        case .number(let number): return Fraction(numerator: number, denominator: 1)
        case .operation(let left, let sign, let right):
            guard let a = left.value, let b = right.value else { return nil }
            return switch sign {
            case "+": Self.sum(a, b.numerator, b.denominator)
            case "-": Self.sum(a, -b.numerator, b.denominator)
            case "*": Self.fraction(Self.times(a.numerator, b.numerator), Self.times(a.denominator, b.denominator))
            default: Self.fraction(Self.times(a.numerator, b.denominator), Self.times(a.denominator, b.numerator))
            }
        }
    }

    private static func times(_ a: Int, _ b: Int) -> Int? {
        let (product, overflows) = a.multipliedReportingOverflow(by: b)
        return overflows || product == .min ? nil : product
    }

    private static func sum(_ a: Fraction, _ numerator: Int, _ denominator: Int) -> Fraction? {
        guard let left = times(a.numerator, denominator), let right = times(numerator, a.denominator) else { return nil }
        let (sum, overflows) = left.addingReportingOverflow(right)
        return overflows || sum == .min ? nil : fraction(sum, times(a.denominator, denominator))
    }

    private static func fraction(_ numerator: Int?, _ denominator: Int?) -> Fraction? {
        guard let numerator, let denominator, denominator != 0 else { return nil }
        var (divisor, rest) = (abs(numerator), abs(denominator))
        while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
        let sign = denominator < 0 ? -1 : 1
        return Fraction(numerator: sign * numerator / divisor, denominator: sign * denominator / divisor)
    }

    /// The numbers in it, in their order.
    var numbers: [Int] {
        switch self {
        case .number(let number): [number]
        case .operation(let left, _, let right): left.numbers + right.numbers
        }
    }

    /// The same text for expressions that differ only in the order of what is added and multiplied, and in how that is put in parentheses.
    var normalForm: String {
        func flat(
            _ expression: CountdownExpression, _ direct: Character, _ inverse: Character, inverted: Bool,
            _ write: (CountdownExpression) -> String
        ) -> [String] {
            guard case .operation(let left, let sign, let right) = expression, sign == direct || sign == inverse else {
                return ["\(inverted ? inverse : direct)\(write(expression))"]
            }
            return flat(left, direct, inverse, inverted: inverted, write)
                + flat(right, direct, inverse, inverted: inverted != (sign == inverse), write)
        }
        func product(_ expression: CountdownExpression) -> String {
            flat(expression, "*", "/", inverted: false) { if case .number(let number) = $0 { "\(number)" } else { "(\($0.normalForm))" } }
                .sorted().joined()
        }
        return flat(self, "+", "-", inverted: false, product).sorted().joined()
    }

    /// The text that is read as this expression, with no more parentheses than that needs.
    var text: String {
        switch self {
        case .number(let number): return "\(number)"
        case .operation(let left, let sign, let right):
            func inside(_ part: CountdownExpression, isRight: Bool) -> String {
                guard case .operation(_, let inner, _) = part else { return part.text }
                let isLooser = "*/".contains(sign) && "+-".contains(inner)
                let isEqual = "*/".contains(sign) == "*/".contains(inner)
                return isLooser || (isRight && isEqual) ? "(\(part.text))" : part.text
            }
            return inside(left, isRight: false) + "\(sign)" + inside(right, isRight: true)
        }
    }
}
