/// Where the data area lies in the picture, and what surrounds it: grid, axes, titles.
struct PlotFrame {
    let x: PlotAxis
    let y: PlotAxis
    let width: Double
    let height: Double
    let left: Double
    let top: Double
    private let right: Double
    private let bottom = 48.0
    static let fontSize = 12.0

    /// - Parameter beside: pixels to leave free at the right for what does not fit inside.
    init(x: PlotAxis, y: PlotAxis, width: Double, height: Double, titled: Bool, beside: Double = 0) {
        (self.x, self.y, self.width, self.height) = (x, y, width, height)
        // Room for the widest label, and for the title that stands on its side.
        left = 36 + (y.labels.map { PlotText.width($0, size: Self.fontSize) }.max() ?? 0)
        top = titled ? 34 : 14
        right = 18 + beside
    }

    var plotWidth: Double { width - left - right }
    var plotHeight: Double { height - top - bottom }

    func pixelX(_ value: Double) -> Double { left + (value - x.range.lowerBound) / (x.range.upperBound - x.range.lowerBound) * plotWidth }
    func pixelY(_ value: Double) -> Double {
        top + plotHeight - (value - y.range.lowerBound) / (y.range.upperBound - y.range.lowerBound) * plotHeight
    }

    var opening: String {
        let (w, h) = (PlotText.pixel(width), PlotText.pixel(height))
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(w)" height="\(h)" viewBox="0 0 \(w) \(h)" \
            font-family="Helvetica, Arial, 'Liberation Sans', sans-serif" font-size="\(PlotText.pixel(Self.fontSize))">
            <rect width="\(w)" height="\(h)" fill="white"/>

            """
    }

    /// Pale lines at the ticks, behind the curves.
    var grid: String {
        let vertical = x.ticks.map { "M\(PlotText.pixel(pixelX($0))) \(PlotText.pixel(top))v\(PlotText.pixel(plotHeight))" }
        let horizontal = y.ticks.map { "M\(PlotText.pixel(left)) \(PlotText.pixel(pixelY($0)))h\(PlotText.pixel(plotWidth))" }
        return "<path d=\"\((vertical + horizontal).joined())\" stroke=\"#e4e4e4\" stroke-width=\"0.8\" fill=\"none\"/>\n"
    }

    func axes(xTitle: String, yTitle: String, title: String) -> String {
        let base = top + plotHeight
        let ticks =
            x.ticks.map { "M\(PlotText.pixel(pixelX($0))) \(PlotText.pixel(base))v4" }
            + y.ticks.map { "M\(PlotText.pixel(left)) \(PlotText.pixel(pixelY($0)))h-4" }
        var svg = "<path d=\"M\(PlotText.pixel(left)) \(PlotText.pixel(top))V\(PlotText.pixel(base))H\(PlotText.pixel(left + plotWidth))"
        svg += "\(ticks.joined())\" stroke=\"#333\" stroke-width=\"1\" fill=\"none\"/>\n<g fill=\"#333\">\n"
        func text(_ label: String, _ x: Double, _ y: Double, _ anchor: String) -> String {
            "<text x=\"\(PlotText.pixel(x))\" y=\"\(PlotText.pixel(y))\" text-anchor=\"\(anchor)\">\(PlotText.label(label))</text>\n"
        }
        svg += zip(x.ticks, x.labels).map { text($1, pixelX($0), base + 18, "middle") }.joined()
        svg += zip(y.ticks, y.labels).map { text($1, left - 8, pixelY($0) + 4, "end") }.joined()
        svg += "</g>\n<g fill=\"#111\" font-size=\"13\" text-anchor=\"middle\">\n"
        let (middleX, middleY) = (PlotText.pixel(left + plotWidth / 2), PlotText.pixel(top + plotHeight / 2))
        svg += "<text x=\"\(middleX)\" y=\"\(PlotText.pixel(height - 10))\">\(PlotText.escaped(xTitle))</text>\n"
        svg += "<text transform=\"translate(15 \(middleY)) rotate(-90)\">\(PlotText.escaped(yTitle))</text>\n"
        if !title.isEmpty {
            svg += "<text x=\"\(middleX)\" y=\"21\" font-size=\"14\" font-weight=\"bold\">\(PlotText.escaped(title))</text>\n"
        }
        return svg + "</g>\n"
    }
}
