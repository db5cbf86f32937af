import Platform

/// Count, mean and variance of vectors that come in batches, in double precision (Chan, Golub & LeVeque, 1983).
struct RunningMoments: Sendable, Equatable {
    private(set) var count = 0.0
    private(set) var mean: [Double]
    /// The sums of squared deviations from the mean.
    private var squares: [Double]

    init(width: Int) {
        mean = Array(repeating: 0, count: width)
        squares = mean
    }

    /// The population variance of one element; 1 before anything was counted.
    func variance(_ index: Int) -> Double { count > 0 ? squares[index] / count : 1 }

    /// Counts rows of `mean.count` values each.
    mutating func add(_ rows: UnsafeBufferPointer<Float>) {
        let width = mean.count
        let added = Double(rows.count / width)
        guard added > 0 else { return }
        // Sums of deviations from the mean so far: no cancellation, however far the mean is from 0.
        var (sums, deviations) = (Array(repeating: 0.0, count: width), Array(repeating: 0.0, count: width))
        for start in stride(from: 0, to: rows.count, by: width) {
            for k in 0..<width {
                let deviation = Double(rows[start + k]) - mean[k]
                sums[k] += deviation
                deviations[k] += deviation * deviation
            }
        }
        let total = count + added
        for k in 0..<width {
            squares[k] += deviations[k] - sums[k] * sums[k] / total
            mean[k] += sums[k] / total
        }
        count = total
    }

    var json: JSON {
        .object([
            .init("count", .number(count)), .init("mean", .array(mean.map(JSON.number))), .init("squares", .array(squares.map(JSON.number))),
        ])
    }

    /// Nil when the text is not of this width, or not finite.
    init?(_ json: JSON?, width: Int) {
        guard let count = json?["count"]?.number, let mean = json?["mean"]?.array?.compactMap(\.number),
            let squares = json?["squares"]?.array?.compactMap(\.number), mean.count == width, squares.count == width,
            count >= 0, (mean + squares + [count]).allSatisfy(\.isFinite), squares.allSatisfy({ $0 >= 0 })
        else { return nil }
        (self.count, self.mean, self.squares) = (count, mean, squares)
    }
}
