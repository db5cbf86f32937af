/// Why a text is not JSON.
public struct JSONError: Remediable, Hashable {
    public let problem: String
    public let place: String
    public var remedy: String { "Write one JSON value (RFC 8259) in UTF-8, nested at most \(JSON.maximumDepth) deep" }
}

extension JSON {
    /// Reads one value that makes up the whole text. Any input is answered with a value or an error.
    /// - Parameter place: where the text comes from, for the error.
    public static func parse(_ text: [UInt8], place: String) throws(JSONError) -> JSON {
        var parser = JSONParser(text: text, place: place)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == text.count else { throw parser.error("there is more text after the value") }
        return value
    }
}

private struct JSONParser {
    let text: [UInt8]
    let place: String
    var position = 0

    private var byte: UInt8? { position < text.count ? text[position] : nil }

    func error(_ problem: String) -> JSONError { JSONError(problem: problem, place: "\(place), byte \(position)") }

    mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func value(depth: Int) throws(JSONError) -> JSON {
        guard depth <= JSON.maximumDepth else { throw error("the values are nested more than \(JSON.maximumDepth) deep") }
        skipSpace()
        switch byte {
        case UInt8(ascii: "{"): return .object(try members(depth: depth))
        case UInt8(ascii: "["): return .array(try elements(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw error("the text ends where a value is expected")
        default: return try number()
        }
    }

    private mutating func word(_ word: String, _ value: JSON) throws(JSONError) -> JSON {
        guard text[position...].starts(with: word.utf8) else { throw error("this is no JSON value") }
        position += word.utf8.count
        return value
    }

    private mutating func members(depth: Int) throws(JSONError) -> [JSON.Member] {
        position += 1
        var members = [JSON.Member]()
        var names = Set<String>()
        skipSpace()
        if skip("}") { return [] }
        while true {
            skipSpace()
            guard byte == UInt8(ascii: "\"") else { throw error("a member's name in quotes is expected") }
            let name = try string()
            guard names.insert(name).inserted else { throw error("the member \"\(name.prefix(100))\" occurs twice") }
            skipSpace()
            guard skip(":") else { throw error("a colon is expected") }
            members.append(JSON.Member(name, try value(depth: depth + 1)))
            skipSpace()
            if skip("}") { return members }
            guard skip(",") else { throw error("a comma or a closing brace is expected") }
        }
    }

    private mutating func elements(depth: Int) throws(JSONError) -> [JSON] {
        position += 1
        var values = [JSON]()
        skipSpace()
        if skip("]") { return [] }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if skip("]") { return values }
            guard skip(",") else { throw error("a comma or a closing bracket is expected") }
        }
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        var isInteger = true
        _ = skip("-")
        if !skip("0") { try digits() }
        if skip(".") {
            isInteger = false
            try digits()
        }
        if skip("e") || skip("E") {
            isInteger = false
            if !skip("+") { _ = skip("-") }
            try digits()
        }
        let literal = String(decoding: text[start..<position], as: UTF8.self)
        if isInteger, let value = Int(literal) { return .integer(value) }
        guard let value = Double(literal), value.isFinite else { throw error("the number \(literal.prefix(40)) is too large") }
        return .number(value)
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while let byte, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw error(start < text.count ? "a digit is expected" : "the text ends inside a number") }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        var bytes = [UInt8]()
        while let byte {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: bytes, as: UTF8.self) else { throw error("the string is not UTF-8") }
                return string
            case UInt8(ascii: "\\"): bytes += String(try escape()).utf8
            case 0..<0x20: throw error("a control character stands in a string")
            default: bytes.append(byte)
            }
        }
        throw error("the text ends inside a string")
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let letter = byte
        position += 1
        switch letter {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try hexadecimal()
            // A code point above U+FFFF is written as two surrogates.
            guard (0xD800..<0xDC00).contains(unit) else {
                guard let scalar = Unicode.Scalar(unit) else { throw error("a surrogate stands alone") }
                return scalar
            }
            guard skip("\\"), skip("u") else { throw error("a surrogate stands alone") }
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low), let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) else {
                throw error("a surrogate stands alone")
            }
            return scalar
        default: throw error("this is no escape sequence")
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw error("four hexadecimal digits are expected")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
