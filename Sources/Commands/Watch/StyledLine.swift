/// A line of a screen: pieces of text, each with a style.
///
/// Styles only stress what the text says anyway: a screen without them, or read by ear, tells the same.
package struct StyledLine: Equatable {
    package enum Style: Equatable { case plain, bold, dim, reverse, good, warning, bad }

    package private(set) var spans: [(text: String, style: Style)] = []

    package init(_ text: String = "", _ style: Style = .plain) { append(text, style) }

    package static func == (a: StyledLine, b: StyledLine) -> Bool {
        a.spans.count == b.spans.count && zip(a.spans, b.spans).allSatisfy { $0.text == $1.text && $0.style == $1.style }
    }

    package mutating func append(_ text: String, _ style: Style = .plain) {
        let text = Self.printable(text)
        if !text.isEmpty { spans.append((text, style)) }
    }

    package var width: Int { spans.reduce(0) { $0 + $1.text.count } }
    package var text: String { spans.map(\.text).joined() }

    /// Cut to so many columns; what was cut is marked.
    package func fitted(to columns: Int) -> StyledLine {
        guard width > columns else { return self }
        var line = StyledLine()
        var left = columns
        for span in spans where left > 0 {
            let part = span.text.count > left || (span.text.count == left && line.width + left < width) ? "\(span.text.prefix(left - 1))…" : span.text
            line.append(part, span.style)
            left -= part.count
        }
        return line
    }

    /// Filled with spaces to so many columns, in the style of its last piece.
    package func padded(to columns: Int) -> StyledLine {
        var line = self
        if width < columns { line.append(String(repeating: " ", count: columns - width), spans.last?.style ?? .plain) }
        return line
    }

    /// - Parameter colour: whether colours may be used besides bold, dim and reverse.
    package func escaped(colour: Bool) -> String {
        spans.map { span in
            let code: String? =
                switch span.style {
                case .plain: nil
                case .bold: "1"
                case .dim: "2"
                case .reverse: "7"
                case .good: colour ? "32" : nil
                case .warning: colour ? "33" : "1"
                case .bad: colour ? "1;31" : "1"
                }
            return code.map { "\u{1B}[\($0)m\(span.text)\u{1B}[0m" } ?? span.text
        }.joined()
    }

    /// Names come from other hosts: nothing in them may move the cursor or change the terminal.
    private static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "?" : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: true
        default: false
        }
    }
}
