/// The little of JSON that records of flat numbers need.
enum JSONText {
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}" ..< "\u{20}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// The shortest text that reads back as `value`; JSON has no NaN and no infinity, so they are written as strings.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "\"NaN\"" }
        if value.isInfinite { return value < 0 ? "\"-Infinity\"" : "\"Infinity\"" }
        if let whole = Int64(exactly: value), abs(whole) < 1 << 53, value.sign == .plus || whole != 0 { return String(whole) }
        return "\(value)"
    }

    /// The names and the values, as texts, of an object of numbers and strings; nil when the text is anything else.
    static func flatObject(_ text: some StringProtocol) -> [(name: String, value: String)]? {
        var rest = Substring(text).unicodeScalars
        func skipSpace() { rest = rest.drop { $0 == " " || $0 == "\t" } }
        func take(_ scalar: Unicode.Scalar) -> Bool {
            skipSpace()
            guard rest.first == scalar else { return false }
            rest.removeFirst()
            return true
        }
        func string() -> String? {
            guard take("\"") else { return nil }
            var result = String.UnicodeScalarView()
            while let scalar = rest.popFirst() {
                if scalar == "\"" { return String(result) }
                guard scalar == "\\" else {
                    result.append(scalar)
                    continue
                }
                switch rest.popFirst() {
                case "n": result.append("\n")
                case "r": result.append("\r")
                case "t": result.append("\t")
                case "u":
                    guard let code = UInt32(String(rest.prefix(4)), radix: 16), let escaped = Unicode.Scalar(code) else { return nil }
                    result.append(escaped)
                    rest = rest.dropFirst(4)
                case let escaped?: result.append(escaped)
                case nil: return nil
                }
            }
            return nil
        }
        func number() -> String? {
            skipSpace()
            let text = String(rest.prefix { $0 != "," && $0 != "}" && $0 != " " })
            rest = rest.dropFirst(text.unicodeScalars.count)
            return Double(text)?.isFinite == true ? text : nil
        }
        guard take("{") else { return nil }
        var fields: [(name: String, value: String)] = []
        if !take("}") {
            repeat {
                skipSpace()
                guard let name = string(), take(":") else { return nil }
                skipSpace()
                guard let value = rest.first == "\"" ? string() : number() else { return nil }
                fields.append((name, value))
            } while take(",")
            guard take("}") else { return nil }
        }
        skipSpace()
        return rest.isEmpty ? fields : nil
    }
}
