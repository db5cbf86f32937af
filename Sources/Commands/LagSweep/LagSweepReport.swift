import Platform
import Runs

/// What a lag sweep has found: correction × lag.
struct LagSweepReport {
    struct Row {
        let correction: LagCorrection
        let lag: Int
        let returns: Seeds
        let meanReturns: Seeds
        let effectiveSampleSize: Seeds
        /// The share of steps where the correction cuts; empty where it reports none.
        let clipped: Seeds
        let failures: [String]
        /// The return as a share of that at lag 0; nil without one.
        var relative: Double?
    }

    private let sweep: LagSweep
    private let distribution: String
    let rows: [Row]

    /// What went wrong, cell by cell.
    var failures: [String] { rows.flatMap(\.failures) }

    init(_ sweep: LagSweep, _ experiment: Experiment, distribution: String) {
        self.sweep = sweep
        self.distribution = distribution
        rows = sweep.corrections.indices.flatMap { number in
            var first: Double?
            return sweep.lags.indices.map { lag in
                let indices = sweep.indices(correction: number, lag: lag)
                let results = indices.compactMap { experiment.outcome($0)?.result }
                var row = Row(
                    correction: sweep.corrections[number].correction, lag: sweep.lags[lag],
                    returns: Seeds(results.compactMap(\.finalReturn)), meanReturns: Seeds(results.compactMap(\.meanReturn)),
                    effectiveSampleSize: Seeds(results.compactMap(\.effectiveSampleSize)),
                    clipped: Seeds(results.compactMap(\.clipped)),
                    failures: indices.compactMap { index in
                        experiment.outcome(index)?.failure.map { "\(sweep.cells[index].label): \($0)" }
                    })
                if sweep.lags[lag] == 0 { first = row.returns.mean }
                // A share of nothing, or of a return below it, tells nothing.
                if let first, first > 0, let mean = row.returns.mean { row.relative = mean / first }
                return row
            }
        }
    }

    var text: String {
        var table = TextTable([
            ("correction", .left), ("lag", .right), (sweep.measure, .right), ("±", .right), ("of lag 0", .right), ("mean over the run", .right),
            ("effective sample size", .right), ("cut", .right), ("failed", .right),
        ])
        let digits = sweep.base.isTokenRun ? 3 : 1
        for row in rows {
            table.add([
                row.correction.name, "\(row.lag)", Format.decimal(row.returns.mean, digits), Format.decimal(row.returns.deviation, digits),
                Format.share(row.relative), Format.decimal(row.meanReturns.mean, digits), Format.decimal(row.effectiveSampleSize.mean, 3),
                row.clipped.mean.map { "\(Format.decimal($0 * 100, 1)) %" } ?? Format.absent,
                row.failures.isEmpty ? "" : "\(row.failures.count) of \(sweep.seeds)",
            ])
        }
        return ([table.text] + failures.map { "failed: \($0)" }).joined(separator: "\n")
    }

    var json: JSON {
        func number(_ value: Double?) -> JSON { value.map(JSON.number) ?? .null }
        return .object([
            .init("environment", .string(sweep.base.environment.id)), .init("measure", .string(sweep.measure)), .init("frames", .integer(sweep.base.stop.frames)),
            .init("seeds", .integer(sweep.seeds)), .init("distribution", .string(distribution)),
            .init("learning_rate", .number(sweep.base.optimizer.learningRate)),
            .init(
                "corrections",
                .array(
                    sweep.corrections.map { correction, spec in
                        .object([
                            .init("name", .string(correction.name)), .init("method", .string(spec.method.id)),
                            .init("meaning", .string(correction.meaning)),
                            .init(
                                "options",
                                .object(spec.method.options.sorted { $0.key < $1.key }.map { .init($0.key, .number($0.value)) })),
                        ])
                    })),
            .init(
                "rows",
                .array(
                    rows.map { row in
                        .object([
                            .init("correction", .string(row.correction.name)), .init("lag", .integer(row.lag)),
                            .init("returns", .array(row.returns.values.map(JSON.number))), .init("mean", number(row.returns.mean)),
                            .init("deviation", number(row.returns.deviation)), .init("of_lag_0", number(row.relative)),
                            .init("mean_over_the_run", number(row.meanReturns.mean)),
                            .init("effective_sample_size", number(row.effectiveSampleSize.mean)),
                            .init("cut_share", number(row.clipped.mean)), .init("failures", .array(row.failures.map(JSON.string))),
                        ])
                    })),
            .init("failed", .integer(failures.count)),
        ])
    }

    /// Return over lag, a line for each correction; nil where every cell has failed.
    var plot: Plot? {
        guard rows.contains(where: { $0.returns.mean != nil }) else { return nil }
        let series = sweep.corrections.map { correction, _ in
            PlotSeries(
                correction.name,
                rows.filter { $0.correction.name == correction.name }.compactMap { row in row.returns.mean.map { (Double(row.lag), $0) } })
        }
        return Plot(
            series, title: sweep.base.environment.id, xTitle: "lag of the data (updates)",
            yTitle: "\(sweep.measure) after \(Format.count(Double(sweep.base.stop.frames))) \(sweep.unit), mean of \(sweep.seeds) seeds")
    }
}

extension CellResult {
    /// Of a step's, or of a token's weight.
    fileprivate var effectiveSampleSize: Double? {
        metrics.first { $0.name == "effective_sample_size" || $0.name == "correction_effective_sample_size" }?.value
    }

    /// The share of steps where a correction cuts, whatever the method calls it; the largest of several.
    fileprivate var clipped: Double? { metrics.filter { $0.name.contains("clip") || $0.name.contains("truncated") }.map(\.value).max() }
}
