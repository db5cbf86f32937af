/// Numbers and texts as they stand in an SVG: the same on every machine, whatever its locale.
enum PlotText {
    /// `value` with `places` decimals, without trailing zeros beyond them and without a negative zero.
    static func decimal(_ value: Double, places: Int) -> String {
        var unit = 1
        for _ in 0 ..< places { unit *= 10 }
        let scaled = Int((value * Double(unit)).rounded())
        let fraction = places == 0 ? "" : String(abs(scaled) % unit)
        let point = places == 0 ? "" : "." + String(repeating: "0", count: places - fraction.count) + fraction
        return (scaled < 0 ? "-" : "") + String(abs(scaled) / unit) + point
    }

    /// A coordinate in pixels, to a tenth.
    static func pixel(_ value: Double) -> String {
        let text = decimal(value, places: 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A label with a real minus sign.
    static func label(_ text: String) -> String { escaped(text.hasPrefix("-") ? "\u{2212}" + text.dropFirst() : text) }

    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            // Control characters are not allowed in XML at all.
            case "\u{0}" ..< "\u{20}": result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// About how wide a text is in a sans-serif font of that size.
    static func width(_ text: String, size: Double) -> Double { Double(text.count) * size * 0.56 }
}
