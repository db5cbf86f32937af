/// One curve: a run's points in the order of its records.
public struct PlotSeries: Sendable {
    public var name: String
    public var points: [(x: Double, y: Double)]

    public init(_ name: String, _ points: [(x: Double, y: Double)]) {
        self.name = name
        self.points = points
    }

    /// The points that have a place in a picture: finite, and not so great that a span of them overflows.
    var drawable: [(x: Double, y: Double)] { points.filter(Self.isDrawable) }

    /// The stretches of drawable points: any other leaves a gap.
    var stretches: [[(x: Double, y: Double)]] { points.split { !Self.isDrawable($0) }.map(Array.init) }

    private static func isDrawable(_ point: (x: Double, y: Double)) -> Bool { abs(point.x) <= 1e300 && abs(point.y) <= 1e300 }

    /// Every y replaced by the mean of the `window` drawable values around it, fewer at the ends, so that the curve does not lag behind
    /// its data.
    func smoothed(window: Int) -> PlotSeries {
        let finite = drawable
        var sums = [0.0]
        for point in finite { sums.append(sums.last! + point.y) }
        let (before, after) = ((window - 1) / 2, window / 2)
        return PlotSeries(
            name,
            finite.indices.map { index in
                let (low, high) = (max(0, index - before), min(finite.count, index + after + 1))
                return (finite[index].x, (sums[high] - sums[low]) / Double(high - low))
            })
    }

    /// At most the lowest and the highest point of each of `columns` equal parts of `range`, in order: what a plot of that width can show.
    static func thinned(_ points: [(x: Double, y: Double)], over range: ClosedRange<Double>, columns: Int) -> [(x: Double, y: Double)] {
        guard points.count > 2 * columns else { return points }
        let scale = Double(columns) / (range.upperBound - range.lowerBound)
        var result: [(x: Double, y: Double)] = []
        var start = 0
        while start < points.count {
            let column = ((points[start].x - range.lowerBound) * scale).rounded(.down)
            var (low, high, end) = (start, start, start)
            while end < points.count, ((points[end].x - range.lowerBound) * scale).rounded(.down) == column {
                if points[end].y < points[low].y { low = end }
                if points[end].y > points[high].y { high = end }
                end += 1
            }
            result.append(points[min(low, high)])
            if low != high { result.append(points[max(low, high)]) }
            start = end
        }
        return result
    }
}
