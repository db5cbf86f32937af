import Platform

/// A figure of several runs' curves as a self-contained SVG.
///
/// Every run has its colour of a palette that colour-blind readers can tell apart (Okabe and Ito 2008), and a dash pattern after the
/// seventh. With smoothing the raw curve is thin and pale behind the smoothed one. Equal input gives equal bytes.
public struct Plot: Sendable {
    public var series: [PlotSeries]
    public var title: String
    /// With the unit, as in "frames" or "time (s)".
    public var xTitle: String
    public var yTitle: String
    /// Points in the centred running mean; 1: only the raw curve.
    public var smoothing: Int
    public var width = 640.0
    public var height = 400.0

    public init(_ series: [PlotSeries], title: String = "", xTitle: String = "frames", yTitle: String = "mean return", smoothing: Int = 1) {
        self.series = series
        self.title = title
        self.xTitle = xTitle
        self.yTitle = yTitle
        self.smoothing = max(1, smoothing)
    }

    /// - Throws: `PlotError` when there is not one finite point.
    public func svg() throws(PlotError) -> String {
        let finite = series.flatMap(\.drawable)
        guard let first = finite.first else { throw PlotError(series: series.map(\.name), quantity: yTitle) }
        let (xs, ys) = finite.reduce(into: (first.x ... first.x, first.y ... first.y)) { ranges, point in
            ranges.0 = min(ranges.0.lowerBound, point.x) ... max(ranges.0.upperBound, point.x)
            ranges.1 = min(ranges.1.lowerBound, point.y) ... max(ranges.1.upperBound, point.y)
        }
        // An axis of frames or seconds begins at 0 if the data begin near it.
        let fromZero = xs.lowerBound > 0 && xs.lowerBound < 0.2 * xs.upperBound ? 0 ... xs.upperBound : xs
        let (x, y) = (PlotAxis(fromZero, about: 6, margin: 0), PlotAxis(ys, about: 6, margin: 0.05))
        var frame = PlotFrame(x: x, y: y, width: width, height: height, titled: !title.isEmpty)
        var key = ""
        if let legend = PlotLegend(series.map(\.name)) {
            let corner = legend.corner(in: frame, hiding: finite.map { (frame.pixelX($0.x), frame.pixelY($0.y)) })
            if corner.hidden < 0.02 {
                key = legend.svg(x: corner.x, y: corner.y)
            } else {
                frame = PlotFrame(x: x, y: y, width: width, height: height, titled: !title.isEmpty, beside: legend.width)
                let place = legend.beside(frame)
                key = legend.svg(x: place.x, y: place.y)
            }
        }
        return frame.opening + frame.grid + curves(in: frame) + frame.axes(xTitle: xTitle, yTitle: yTitle, title: title) + key + "</svg>\n"
    }

    private func curves(in frame: PlotFrame) -> String {
        // The pale raw curves lie behind all smoothed ones.
        var (behind, before) = ("", "")
        for (index, one) in series.enumerated() {
            let style = PlotStyle(index)
            if smoothing > 1 {
                behind += curve(one, "stroke=\"\(style.colour)\" stroke-width=\"0.8\" stroke-opacity=\"0.3\"", in: frame)
                before += curve(one.smoothed(window: smoothing), "\(style.stroke) stroke-width=\"1.8\"", in: frame)
            } else {
                before += curve(one, "\(style.stroke) stroke-width=\"1.4\"", in: frame)
            }
        }
        return "<g fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n\(behind)\(before)</g>\n"
    }

    private func curve(_ series: PlotSeries, _ style: String, in frame: PlotFrame) -> String {
        series.stretches.map { stretch in
            let points = PlotSeries.thinned(stretch, over: frame.x.range, columns: Int(frame.plotWidth * 2))
            if points.count == 1 {
                // A line of one point would not be seen.
                let (x, y) = (PlotText.pixel(frame.pixelX(points[0].x)), PlotText.pixel(frame.pixelY(points[0].y)))
                return "<path d=\"M\(x) \(y)h0\" \(style) stroke-dasharray=\"none\" style=\"stroke-width:4\"/>\n"
            }
            let path = points.map { "\(PlotText.pixel(frame.pixelX($0.x))) \(PlotText.pixel(frame.pixelY($0.y)))" }.joined(separator: "L")
            return "<path d=\"M\(path)\" \(style)/>\n"
        }.joined()
    }
}

/// How the curve of one run is drawn.
struct PlotStyle {
    let colour: String
    /// The colour and the dashes, as attributes.
    let stroke: String

    init(_ index: Int) {
        // Okabe and Ito's colours without black and yellow, which is too pale for lines, and grey.
        let colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555"]
        let dashes = ["", " stroke-dasharray=\"6 3\"", " stroke-dasharray=\"2 3\"", " stroke-dasharray=\"8 3 2 3\""]
        colour = colours[index % colours.count]
        stroke = "stroke=\"\(colour)\"" + dashes[index / colours.count % dashes.count]
    }
}

/// There is nothing to draw.
public struct PlotError: Remediable, Equatable {
    public let series: [String]
    public let quantity: String

    public init(series: [String], quantity: String) {
        self.series = series
        self.quantity = quantity
    }
    public var problem: String { "there is no finite value of \"\(quantity)\" to plot" }
    public var place: String { series.isEmpty ? "the plot, which has no runs" : series.joined(separator: ", ") }
    public var remedy: String { "Choose a quantity that the run has recorded, or wait until it has." }
}
