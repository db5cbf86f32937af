extension Format {
    /// Stands for a number that is not there.
    static let absent = "–"

    static func decimal(_ value: Double?, _ digits: Int) -> String { value.map { decimal($0, digits) } ?? absent }

    /// A share of 1: "71 %".
    static func share(_ value: Double?) -> String { value.map { "\(decimal($0 * 100, 0)) %" } ?? absent }
}
