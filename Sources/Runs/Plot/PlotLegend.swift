/// The names of the curves, in that corner of the data area where they hide the fewest points.
struct PlotLegend {
    let svg: String

    private static let lineHeight = 17.0

    init(_ names: [String], points: [(x: Double, y: Double)], frame: PlotFrame) {
        let lines = names.enumerated().filter { !$0.element.isEmpty }
        guard !lines.isEmpty else {
            svg = ""
            return
        }
        let width = 44 + (lines.map { PlotText.width($0.element, size: PlotFrame.fontSize) }.max() ?? 0)
        let height = Double(lines.count) * Self.lineHeight + 8
        let (left, right) = (frame.left + 8, frame.left + frame.plotWidth - width - 8)
        let (top, bottom) = (frame.top + 6, frame.top + frame.plotHeight - height - 8)
        // The first of equals: where learning curves leave room, at the bottom right and the top left.
        let corners = [(right, bottom), (left, top), (right, top), (left, bottom)]
        let hidden = corners.map { x, y in
            points.count { x - 4 < $0.x && $0.x < x + width + 4 && y - 4 < $0.y && $0.y < y + height + 4 }
        }
        let (x, y) = corners[hidden.indices.min { hidden[$0] < hidden[$1] }!]
        var text = "<rect x=\"\(PlotText.pixel(x))\" y=\"\(PlotText.pixel(y))\" width=\"\(PlotText.pixel(width))\" "
        text += "height=\"\(PlotText.pixel(height))\" rx=\"3\" fill=\"white\" fill-opacity=\"0.85\" stroke=\"#ccc\" stroke-width=\"0.8\"/>\n"
        for (row, line) in lines.enumerated() {
            let middle = y + 4 + (Double(row) + 0.5) * Self.lineHeight
            text += "<path d=\"M\(PlotText.pixel(x + 8)) \(PlotText.pixel(middle))h22\" \(PlotStyle(line.offset).stroke) stroke-width=\"2\" fill=\"none\"/>\n"
            text += "<text x=\"\(PlotText.pixel(x + 36))\" y=\"\(PlotText.pixel(middle + 4))\" fill=\"#111\">\(PlotText.escaped(line.element))</text>\n"
        }
        svg = text
    }
}
