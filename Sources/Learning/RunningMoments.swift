import Platform
import Tensors

/// Count, mean and variance of vectors that come in batches, in double precision (Chan, Golub & LeVeque, 1983).
package struct RunningMoments: Sendable, Equatable {
    package private(set) var count = 0.0
    package private(set) var mean: [Double]
    /// The sums of squared deviations from the mean.
    private var squares: [Double]

    package init(width: Int) {
        mean = Array(repeating: 0, count: width)
        squares = mean
    }

    /// The population variance of one element; 1 before anything was counted.
    package func variance(_ index: Int) -> Double { count > 0 ? squares[index] / count : 1 }

    /// Counts the rows of a matrix, [rows, `mean.count`].
    package mutating func add(_ rows: Tensor) {
        guard rows.count > 0 else { return }
        // Distances from the mean so far, at first from the first row: no cancellation, however far the mean is from 0.
        if count == 0 { mean = rows.rows(0..<1).values.map(Double.init) }
        let added = columnMoments(rows, shift: mean)
        count += Double(added.count)
        for k in mean.indices {
            squares[k] += max(added.squares[k] - added.sums[k] * added.sums[k] / count, 0)
            mean[k] += added.sums[k] / count
        }
    }

    package var json: JSON {
        .object([
            .init("count", .number(count)), .init("mean", .array(mean.map(JSON.number))),
            .init("squares", .array(squares.map(JSON.number))),
        ])
    }

    /// Nil when the text is not of this width, or not finite.
    package init?(_ json: JSON?, width: Int) {
        guard let count = json?["count"]?.number, let mean = json?["mean"]?.array?.compactMap(\.number),
            let squares = json?["squares"]?.array?.compactMap(\.number), mean.count == width, squares.count == width,
            count >= 0, (mean + squares + [count]).allSatisfy(\.isFinite), squares.allSatisfy({ $0 >= 0 })
        else { return nil }
        (self.count, self.mean, self.squares) = (count, mean, squares)
    }
}
