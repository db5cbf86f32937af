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

/// An interval by bootstrap (Efron, 1979): the statistic of so many samples of the same size, drawn with replacement from the seeds, and what
/// lies between the quantiles of them. Always the same numbers are drawn.
///
/// Both arms are given the same seeds in every sample: those of one seed begin with the same weights, and how good these are would else hide what
/// the arms make of them.
///
/// - Parameters:
///   - a, b: of the same seeds, in their order.
///   - share: how much of the distribution is inside.
///   - statistic: of the two means.
package func bootstrap(
    _ a: Seeds, _ b: Seeds, share: Double = 0.9, samples: Int = 10_000, _ statistic: (Double, Double) -> Double
) -> ClosedRange<Double> {
    precondition(a.values.count == b.values.count && !a.values.isEmpty && samples > 0, "an interval needs the same seeds of both arms")
    var random = RandomKey(seed: 1, purpose: .evaluation, actor: .max).stream(slot: 0, episode: 0)
    let count = a.values.count
    func drawn() -> Double {
        var (first, second) = (0.0, 0.0)
        for _ in 0..<count {
            let seed = Int.random(in: 0..<count, using: &random)
            first += a.values[seed]
            second += b.values[seed]
        }
        return statistic(first / Double(count), second / Double(count))
    }
    let found = (0..<samples).map { _ in drawn() }.sorted()
    let outside = Int((Double(samples - 1) * (1 - share) / 2).rounded())
    return found[outside]...found[samples - 1 - outside]
}
