import Glibc
import Platform
import Runs
import Testing

@Suite struct PlotTests {
    private func line(_ name: String, _ ys: [Double], step: Double = 1) -> PlotSeries {
        PlotSeries(name, ys.enumerated().map { (Double($0) * step, $1) })
    }

    /// Texts of the picture in order.
    private func texts(_ svg: String) -> [String] { svg.matches(of: /<text[^>]*>([^<]*)<\/text>/).map { String($0.1) } }

    @Test func ticksAreRoundAndTitlesCarryUnits() throws {
        let svg = try Plot([line("a", [0, 137, 489], step: 1_000_000)], title: "CartPole-v1").svg()
        #expect(
            texts(svg) == [
                "0", "0.5M", "1.0M", "1.5M", "2.0M", "0", "100", "200", "300", "400", "500", "frames", "mean return", "CartPole-v1", "a",
            ])
    }

    @Test(
        arguments: [
            ([-1.5, 2.25], ["−1", "0", "1", "2"]), ([5, 5], ["4.6", "4.8", "5.0", "5.2", "5.4"]),
            ([0, 0], ["−1.0", "−0.5", "0", "0.5", "1.0"]),
            ([1e-7, 3e-7], ["1.0e-7", "1.5e-7", "2.0e-7", "2.5e-7", "3.0e-7"]), ([0, 40_000], ["0", "10k", "20k", "30k", "40k"]),
            ([-2e20, 2e20], ["−2e20", "−1e20", "0", "1e20", "2e20"]), ([1000, 1004], ["1000", "1001", "1002", "1003", "1004"]),
        ] as [([Double], [String])])
    func labels(values: [Double], labels: [String]) throws {
        let svg = try Plot([line("", values)], xTitle: "x", yTitle: "y").svg()
        #expect(Array(texts(svg).dropFirst(6).dropLast(2)) == labels, "\(texts(svg))")
    }

    @Test func equalInputGivesEqualBytesAndValidXML() throws {
        let plot = Plot([line("a & <b> \"c\"", [1, 2, 3]), line("", [])], title: "x < y", smoothing: 2)
        let svg = try plot.svg()
        #expect(try plot.svg() == svg)
        #expect(texts(svg).contains("a &amp; &lt;b&gt; &quot;c&quot;"))
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        #expect(!svg.contains("href") && !svg.contains("nan") && !svg.contains("inf"))
    }

    /// A gap where a value is not finite: two paths of one curve.
    @Test func valuesThatAreNotFiniteLeaveGaps() throws {
        let curves = { (ys: [Double]) in try Plot([line("", ys)]).svg().matches(of: /<path d="M[^"]*" stroke="#0072B2"/).count }
        #expect(try curves([1, 2, 3, 4, 5]) == 1)
        #expect(try curves([1, 2, .nan, 4, 5]) == 2)
        #expect(try curves([.infinity, 2, 3, 4, -.infinity]) == 1)
        #expect(try curves([.nan, 2]) == 1)
    }

    @Test func nothingToDrawIsAnError() {
        #expect(throws: PlotError(series: ["a"], quantity: "loss")) { try Plot([line("a", [.nan, .infinity])], yTitle: "loss").svg() }
        #expect(throws: PlotError(series: [], quantity: "loss")) { try Plot([], yTitle: "loss").svg() }
    }

    @Test func extremesAreDrawn() throws {
        #expect(throws: PlotError.self) { try Plot([line("a", [-1e308, 1e308])]).svg() }
        for values in [[0, .leastNonzeroMagnitude], [1e300, 1e300], [-1e300, 1e300], [1, 1 + 1e-15]] {
            let svg = try Plot([line("a", values)]).svg()
            #expect(!svg.contains("nan") && !svg.contains("inf"), "\(values)")
        }
    }

    /// A million points make a picture of bounded size that still shows the one outlier.
    @Test func manyPointsAreThinnedToWhatCanBeSeen() throws {
        var ys = [Double](repeating: 0, count: 1_000_000)
        ys[500_123] = 100
        let svg = try Plot([line("a", ys)]).svg()
        #expect(svg.utf8.count < 60_000)
        let top = try #require(svg.firstMatch(of: /M[0-9.]+ ([0-9.]+)h[0-9.]+" stroke="#e4e4e4"/))
        let highest = svg.matches(of: /L[0-9.]+ ([0-9.]+)/).compactMap { Double($0.1) }.min()
        #expect(highest == Double(top.1))
    }

    /// The mean of three around each point, of two at the ends.
    @Test func smoothingIsACentredMean() throws {
        let drawn = try Plot([line("", [0, 6, 0, 6, 0])], smoothing: 3).svg()
        let thick = try #require(drawn.firstMatch(of: /<path d="M([^"]*)" stroke="#0072B2" stroke-width="1.8"/))
        let ys = thick.1.split(separator: "L").compactMap { Double($0.split(separator: " ")[1]) }
        // Values 3, 2, 4, 2, 3 on an axis that runs from 0 to 6.3 over 338 pixels.
        let expected = [3.0, 2, 4, 2, 3].map { (value: Double) -> Double in
            let pixel = 14 + 338 * (1 - value / 6.3)
            return (pixel * 10).rounded() / 10
        }
        #expect(ys == expected)
    }

    /// Writes the figures that a person should look at, when asked to.
    @Test(.enabled(if: getenv("APUS_PLOT_SAMPLES") != nil, "set APUS_PLOT_SAMPLES to a folder"))
    func samples() throws {
        let folder = String(cString: getenv("APUS_PLOT_SAMPLES"))
        var dice = Dice(3)
        func curve(_ rate: Double, _ best: Double) -> [Double] {
            (0 ..< 400).map { best * (1 - exp(-Double($0) * rate)) * (0.9 + 0.2 * Double.random(in: 0 ..< 1, using: &dice)) }
        }
        let runs = [
            line("cartpole, lag 0", curve(0.02, 460), step: 5000), line("cartpole, lag 32", curve(0.012, 440), step: 5000),
            line("no correction", curve(0.006, 300), step: 5000),
        ]
        try Files.write([UInt8](try Plot(runs, title: "CartPole-v1", smoothing: 15).svg().utf8), to: "\(folder)/smoothed.svg")
        try Files.write([UInt8](try Plot(runs).svg().utf8), to: "\(folder)/raw.svg")
        let many = (0 ..< 9).map {
            line("seed \($0)", curve(0.005 + 0.004 * Double($0), -500 - 100 * Double($0)).map { $0 - 100 }, step: 0.5)
        }
        try Files.write([UInt8](try Plot(many, xTitle: "time (s)", yTitle: "loss", smoothing: 20).svg().utf8), to: "\(folder)/many.svg")
        try Files.write([UInt8](try Plot([line("one point", [3])]).svg().utf8), to: "\(folder)/point.svg")
    }
}
