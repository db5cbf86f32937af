/// The names of the curves: in that corner of the data area where they hide the fewest points, or beside it where every corner is full.
struct PlotLegend {
    /// Curves with a name, with their numbers.
    private let lines: [(number: Int, name: String)]
    let width: Double
    private let height: Double

    private static let lineHeight = 17.0
    private static let gap = 8.0

    /// Nil when no curve has a name.
    init?(_ names: [String]) {
        lines = names.enumerated().filter { !$1.isEmpty }.map { ($0, $1) }
        guard !lines.isEmpty else { return nil }
        width = 44 + (lines.map { PlotText.width($0.name, size: PlotFrame.fontSize) }.max() ?? 0)
        height = Double(lines.count) * Self.lineHeight + 8
    }

    /// Where it hides the fewest of `points` (in pixels), and which share of them it hides there.
    func corner(in frame: PlotFrame, hiding points: [(x: Double, y: Double)]) -> (x: Double, y: Double, hidden: Double) {
        let (left, right) = (frame.left + Self.gap, frame.left + frame.plotWidth - width - Self.gap)
        let (top, bottom) = (frame.top + Self.gap, frame.top + frame.plotHeight - height - Self.gap)
        // The first of equals: where learning curves leave room, at the bottom right and the top left.
        return [(right, bottom), (left, top), (right, top), (left, bottom)]
            .map { x, y in
                let hidden = points.count { x - 4 < $0.x && $0.x < x + width + 4 && y - 4 < $0.y && $0.y < y + height + 4 }
                return (x, y, Double(hidden) / Double(points.count))
            }
            .min { $0.hidden < $1.hidden }!
    }

    /// To the right of the data area, for a frame that leaves `width` free there.
    func beside(_ frame: PlotFrame) -> (x: Double, y: Double) { (frame.left + frame.plotWidth + 12, frame.top) }

    func svg(x: Double, y: Double) -> String {
        var text = "<rect x=\"\(PlotText.pixel(x))\" y=\"\(PlotText.pixel(y))\" width=\"\(PlotText.pixel(width))\" "
        text +=
            "height=\"\(PlotText.pixel(height))\" rx=\"3\" fill=\"white\" fill-opacity=\"0.85\" stroke=\"#ccc\" stroke-width=\"0.8\"/>\n"
        for (row, line) in lines.enumerated() {
            let middle = y + 4 + (Double(row) + 0.5) * Self.lineHeight
            text += "<path d=\"M\(PlotText.pixel(x + 8)) \(PlotText.pixel(middle))h22\" \(PlotStyle(line.number).stroke) "
            text += "stroke-width=\"2\" fill=\"none\"/>\n<text x=\"\(PlotText.pixel(x + 36))\" y=\"\(PlotText.pixel(middle + 4))\" "
            text += "fill=\"#111\">\(PlotText.escaped(line.name))</text>\n"
        }
        return text
    }
}
