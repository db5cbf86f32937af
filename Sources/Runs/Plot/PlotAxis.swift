/// One axis: what it spans, and ticks at round numbers.
struct PlotAxis: Equatable {
    let range: ClosedRange<Double>
    /// Multiples of 1, 2, 2.5 or 5 times a power of ten, inside the range.
    let ticks: [Double]
    private let step: Double

    /// - Parameters:
    ///   - values: low and high of the data, of magnitudes up to 1e300.
    ///   - about: how many ticks there is room for.
    ///   - margin: the share of the span to leave free on either side.
    init(_ values: ClosedRange<Double>, about count: Int, margin: Double) {
        var (low, high) = (values.lowerBound, values.upperBound)
        let (span, size) = (high - low, max(abs(low), abs(high)))
        if span <= max(size * 1e-12, 1e-290) {
            // A constant gets some room around it.
            let room = size <= 1e-290 ? 1 : size * 0.1
            (low, high) = (low - room, high + room)
        } else {
            (low, high) = (low - span * margin, high + span * margin)
            // Zero is where most axes start: no margin crosses it.
            if values.lowerBound >= 0 && low < 0 { low = 0 }
            if values.upperBound <= 0 && high > 0 { high = 0 }
        }
        let rough = (high - low) / Double(count)
        let power = Self.powerOfTen(below: rough)
        let step = [1, 2, 2.5, 5, 10].first { $0 * power >= rough * 0.999 }! * power
        self.step = step
        range = low ... high
        let (first, last) = ((low / step - 1e-9).rounded(.up), (high / step + 1e-9).rounded(.down))
        ticks = first <= last ? stride(from: first, through: last, by: 1).map { $0 * step } : []
    }

    /// The labels of the ticks, with k, M, G, T for thousands and so on, all with the same number of decimals.
    var labels: [String] {
        let largest = ticks.map(abs).max() ?? 0
        let (unit, suffix): (Double, String) =
            switch largest {
            case 1e15...: (0, "")
            case 1e12...: (1e12, "T")
            case 1e9...: (1e9, "G")
            case 1e6...: (1e6, "M")
            case 1e4...: (1e3, "k")
            case 0 ..< 1e-4 where largest > 0: (0, "")
            default: (1, "")
            }
        guard unit > 0 else {
            let power = Self.powerOfTen(below: largest * 1.000001)
            let exponent = String(Self.exponent(of: power))
            return ticks.map { $0 == 0 ? "0" : PlotText.decimal($0 / power, places: decimals(of: step / power)) + "e" + exponent }
        }
        let places = decimals(of: step / unit)
        return ticks.map { $0 == 0 ? "0" : PlotText.decimal($0 / unit, places: places) + suffix }
    }

    /// How many decimals the multiples of `step` need.
    private func decimals(of step: Double) -> Int {
        var (scaled, places) = (step, 0)
        while places < 12, abs(scaled - scaled.rounded()) > 1e-6 * max(scaled, 1e-3) { (scaled, places) = (scaled * 10, places + 1) }
        return places
    }

    private static func powerOfTen(below value: Double) -> Double {
        var power = 1.0
        while power * 10 <= value { power *= 10 }
        while power > value { power /= 10 }
        return power
    }

    private static func exponent(of power: Double) -> Int {
        var (value, exponent) = (power, 0)
        while value >= 9.5 { (value, exponent) = (value / 10, exponent + 1) }
        while value < 0.95 { (value, exponent) = (value * 10, exponent - 1) }
        return exponent
    }
}
