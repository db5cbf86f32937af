import ArgumentParser
import Platform
import Runs

struct PlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot", abstract: "Draws a quantity of one or several runs as an SVG picture.",
        discussion: "Runs may be running still. The quantities of a run are the names in its metrics.jsonl.")

    @Argument(help: ArgumentHelp("The directories of runs.", valueName: "run-dir"))
    var directories: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp("The picture to write.", valueName: "file.svg"))
    var output: String

    @Option(help: "What runs to the right: \(XAxis.allCases.map(\.rawValue).joined(separator: ", ")).")
    var x = XAxis.frames

    @Option(help: ArgumentHelp("What runs upwards.", valueName: "quantity"))
    var y = "training_return"

    @Option(help: "Records in the running mean; the raw curve stays visible behind it.")
    var smoothing = 1

    @OptionGroup var report: ReportOptions

    enum XAxis: String, CaseIterable, ExpressibleByArgument {
        case frames, seconds, version

        var title: String {
            switch self {
            case .frames: "frames (environment steps)"
            case .seconds: "training time (s)"
            case .version: "policy version (updates)"
            }
        }
    }

    func validate() throws {
        guard output.hasSuffix(".svg") else { throw ValidationError("The picture is SVG: give the file a name that ends in .svg.") }
        guard smoothing >= 1 else { throw ValidationError("--smoothing is \(smoothing), allowed is 1 or more.") }
    }

    func run() throws {
        let runs = try directories.map { path in
            let directory = try RunDirectory.open(path)
            let table = try Files.exists(directory.metrics) ? MetricsTable(directory.metrics) : nil
            return (directory: directory, table: table, points: table?.points(y, over: x.rawValue) ?? [])
        }
        let known = runs.flatMap { $0.table?.records.isEmpty == false ? $0.table!.names : [] }
        if !known.isEmpty, !known.contains(y) { throw UnknownQuantity(name: y, known: known) }
        for run in runs where run.points.isEmpty && runs.count > 1 {
            Console.error("warning: \(run.directory.path) has no record of \(y) yet")
        }
        let names = legend(runs.map(\.directory))
        let plot = Plot(
            zip(names, runs).map { PlotSeries($0, $1.points) }, xTitle: x.title, yTitle: Quantity.title(of: y), smoothing: smoothing)
        try Files.writeAtomically(Array(plot.svg().utf8), to: output)
        report.print(
            "\(output): \(zip(names, runs).map { "\($0) (\($1.points.count) records)" }.joined(separator: ", "))",
            json: .object([
                .init("output", .string(output)), .init("x", .string(x.rawValue)), .init("y", .string(y)),
                .init(
                    "runs",
                    .array(
                        zip(names, runs).map {
                            .object([
                                .init("run_dir", .string($1.directory.path)), .init("name", .string($0)),
                                .init("records", .integer($1.points.count)),
                            ])
                        })),
            ]))
    }

    /// The names of the runs; where two are the same, the paths as they were given.
    private func legend(_ runs: [RunDirectory]) -> [String] {
        runs.map { run in runs.filter { $0.name == run.name }.count > 1 ? run.path : run.name }
    }
}

/// What an axis is called, with the unit.
enum Quantity {
    private static let units: [(part: String, unit: String)] = [
        ("frames_per_second", "1/s"), ("updates_per_second", "1/s"), ("policy_lag", "updates"), ("share", "share of the time"),
        ("episode_length", "steps"), ("seconds", "s"),
    ]

    static func title(of name: String) -> String {
        let words = name.split(separator: "_").joined(separator: " ")
        return units.first { name.contains($0.part) }.map { "\(words) (\($0.unit))" } ?? words
    }
}

/// No run has recorded the quantity.
struct UnknownQuantity: Remediable {
    let name: String
    let known: [String]

    var problem: String { "no run has recorded \"\(name)\"" }
    var place: String { "--y" }
    var remedy: String {
        var seen: Set<String> = []
        let names = known.filter { seen.insert($0).inserted }
        return (nearest(to: name, in: names).map { "Did you mean \($0)? " } ?? "") + "There are: \(names.joined(separator: ", "))."
    }
}
