import Tensors

/// One number of several seeds.
package struct Seeds {
    package let values: [Double]

    package init(_ values: [Double]) { self.values = values }

    /// nil without a value.
    package var mean: Double? { values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }

    /// The standard deviation of the population that the values are a sample of; nil with fewer than two.
    package var deviation: Double? {
        guard values.count > 1, let mean else { return nil }
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }
}

/// An interval by bootstrap (Efron, 1979): the statistic of so many samples of the same size, drawn with replacement from each arm's seeds
/// on their own, and what lies between the quantiles of them. Always the same numbers are drawn.
///
/// - Parameters:
///   - share: how much of the distribution is inside.
///   - statistic: of the two means.
package func bootstrap(
    _ a: Seeds, _ b: Seeds, share: Double = 0.9, samples: Int = 10_000, _ statistic: (Double, Double) -> Double
) -> ClosedRange<Double> {
    precondition(!a.values.isEmpty && !b.values.isEmpty && samples > 0, "an interval of nothing")
    var random = RandomKey(seed: 1, purpose: .evaluation, actor: .max).stream(slot: 0, episode: 0)
    func drawn(_ values: [Double]) -> Double {
        var sum = 0.0
        for _ in values { sum += values[Int.random(in: 0..<values.count, using: &random)] }
        return sum / Double(values.count)
    }
    let found = (0..<samples).map { _ in statistic(drawn(a.values), drawn(b.values)) }.sorted()
    let outside = Int((Double(samples - 1) * (1 - share) / 2).rounded())
    return found[outside]...found[samples - 1 - outside]
}
