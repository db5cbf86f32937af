/// Numbers as people read them.
public enum Format {
    /// 1234567 → "1.23 M"
    public static func count(_ value: Double) -> String {
        switch value {
        case 1e9...: "\(decimal(value / 1e9, 2)) G"
        case 1e6...: "\(decimal(value / 1e6, 2)) M"
        case 1e4...: "\(decimal(value / 1e3, 1)) k"
        default: decimal(value, 0)
        }
    }

    public static func seconds(_ value: Double) -> String {
        guard abs(value) < 1e15 else { return "\(value) s" }
        return switch value {
        case 3600...: "\(Int(value) / 3600) h \(Int(value) % 3600 / 60) min"
        case 120...: "\(Int(value) / 60) min \(Int(value) % 60) s"
        default: "\(decimal(value, 1)) s"
        }
    }

    public static func decimal(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let units = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && units > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(units)" }
        let fraction = String(units % scale)
        return "\(sign)\(units / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// Stands for a number that is not there.
    public static let absent = "–"

    public static func decimal(_ value: Double?, _ digits: Int) -> String { value.map { decimal($0, digits) } ?? absent }

    /// A share of correct responses is told by its second digit, a return of hundreds by its whole part.
    public static func meanReturn(_ value: Double?) -> String { decimal(value, value.map { abs($0) <= 1 } ?? false ? 2 : 1) }

    /// A share of 1: "71 %".
    public static func share(_ value: Double?) -> String { value.map { "\(decimal($0 * 100, 0)) %" } ?? absent }
}
