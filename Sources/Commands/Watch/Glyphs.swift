/// Bars and curves in one line of text, for terminals that know Unicode's blocks and for those that do not.
package struct Glyphs {
    package let unicode: Bool

    package init(unicode: Bool) { self.unicode = unicode }

    /// Eight heights.
    private var steps: [Character] { unicode ? Array("▁▂▃▄▅▆▇█") : Array("_.,-=+*#") }

    /// The last `width` values, from their lowest to their highest.
    package func curve(_ values: [Double], width: Int) -> String {
        let shown = values.suffix(max(width, 0)).filter(\.isFinite)
        guard let low = shown.min(), let high = shown.max() else { return "" }
        return String(shown.map { steps[high > low ? Int((($0 - low) / (high - low) * 7).rounded()) : 3] })
    }

    /// Heights that start at zero; nothing for what is zero.
    package func histogram(_ values: [Double]) -> String {
        guard let high = values.filter(\.isFinite).max(), high > 0 else { return "" }
        return String(values.map { $0.isFinite && $0 > 0 ? steps[min(Int($0 / high * 7.999), 7)] : " " })
    }

    /// A share of 1 as a bar: `████░░░░`.
    package func bar(_ share: Double?, width: Int) -> String {
        guard let share, share.isFinite else { return String(repeating: " ", count: width) }
        let full = Int((min(max(share, 0), 1) * Double(width)).rounded())
        return String(repeating: unicode ? "█" : "#", count: full) + String(repeating: unicode ? "░" : ".", count: width - full)
    }
}
