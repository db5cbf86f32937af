import ArgumentParser
import Learning
import Methods
import Platform
import Runs

struct LagSweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lag-sweep", abstract: "Trains with data of growing age under several corrections, and tells what is left of the return.",
        discussion: """
            RUN is a preset (\(RunSpec.presets.joined(separator: ", "))) or a run file. Its method is replaced by each correction's; all \
            other keys, the learning rate among them, are the same for all, and so are the options that methods share. Each update is one \
            gradient step, unless --set method.options.epochs or minibatches says otherwise. The columns: the evaluation return of the last \
            version, its mean and standard deviation over the seeds; the share of that correction's return at lag 0; and over the whole run, the \
            means of the training return, of the effective sample size (1: all steps count the same) and of the share of steps where the \
            correction cuts.

            For a token policy, what is measured is the accuracy: the share of correct responses to held-out tasks. A new version then \
            meets no unfinished response (tokens.changes: wait), so that all tokens are exactly as old as is asked for, unless --set \
            tokens.changes says otherwise.

            \(ExperimentOptions.discussion)

            Exit codes: 0 done, 1 a cell failed, 130 interrupted.
            """)

    @Argument(help: ArgumentHelp("A preset or a run file.", valueName: "run"))
    var source: String?

    @Option(
        help: ArgumentHelp("Ages of the data, in updates; by default 0,1,2,4,8,16, for token policies up to 8.", valueName: "n,n,…"),
        transform: Self.lags)
    var lags: [Int]?

    @Option(
        help: ArgumentHelp(
            "Names of corrections (--list tells them), or ids of methods; by default none, clip and vtrace, for token policies decoupled.",
            valueName: "name,name,…"), transform: Self.names)
    var corrections: [String]?

    @Option(help: "How many seeds: 1, 2, …, N.")
    var seeds = 5

    @Option(help: "Environment steps of each run, or drawn tokens, instead of the run file's stop.frames.")
    var frames: Int?

    @Option(help: "fixed: all data is exactly so old; uniform: each rollout's age is drawn from 0 to that.")
    var distribution = LagDistribution.fixed

    @Option(name: .customLong("set"), help: ArgumentHelp("Change a key of the run file for all corrections.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(name: [.customShort("o"), .customLong("plot")], help: ArgumentHelp("Draw return over lag.", valueName: "file.svg"))
    var plot: String?

    @Option(help: ArgumentHelp("The folder of the results.", valueName: "dir"))
    var out = "sweeps"

    @OptionGroup var options: ExperimentOptions

    @Flag(help: "List the corrections, and which can be asked for.")
    var list = false

    @OptionGroup var report: ReportOptions

    enum LagDistribution: String, CaseIterable, ExpressibleByArgument {
        case fixed, uniform

        func injection(_ lag: Int) -> LagInjection {
            if lag == 0 { return .none }
            return self == .fixed ? .fixed(lag) : .uniform(through: lag)
        }
    }

    private static func words(_ text: String) -> [String] { text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }

    private static func lags(_ text: String) throws -> [Int] {
        let lags = try words(text).map { word in
            guard let lag = Int(word), (0...10_000).contains(lag) else {
                throw ValidationError("\"\(word)\" is no lag: write whole numbers from 0 to 10000, as in 0,1,2,4.")
            }
            return lag
        }
        guard Set(lags).count == lags.count else { throw ValidationError("A lag stands twice in \(text).") }
        return lags.sorted()
    }

    private static func names(_ text: String) throws -> [String] {
        let names = words(text)
        guard Set(names).count == names.count else { throw ValidationError("A correction stands twice in \(text).") }
        return names
    }

    func validate() throws {
        guard list || source != nil else { throw ValidationError("Say what to train: a preset or a run file.") }
        guard (1...1000).contains(seeds) else { throw ValidationError("--seeds is \(seeds), allowed are 1 to 1000.") }
        if let plot, !plot.hasSuffix(".svg") { throw ValidationError("The picture is SVG: give the file a name that ends in .svg.") }
    }

    func run() throws {
        if list { return report.print(Self.listed(), json: Self.listedJSON()) }
        var base = try RunSpec.load(source!, overrides: overrides + (frames.map { ["stop.frames=\($0)"] } ?? []))
        if base.isTokenRun, !overrides.contains(where: { $0.hasPrefix("tokens.changes=") }) { base.tokens.changes = .wait }
        let names = corrections ?? ["none", "clip", base.isTokenRun ? "decoupled" : "vtrace"]
        let sweep = try LagSweep(
            base, corrections: names.map { try LagCorrection($0, tokens: base.isTokenRun) }, chosen: chosen, lags: chosenLags(base), seeds: seeds
        ) {
            distribution.injection($0)
        }
        let experiment = try options.experiment(sweep.cells, in: out)
        if !report.json { Console.output(sweep.heading(distribution.rawValue)) }
        try experiment.run(silent: report.json)
        let result = LagSweepReport(sweep, experiment, distribution: distribution.rawValue)
        report.print(result.text, json: result.json)
        if let plot, let picture = result.plot { try Files.writeAtomically(Array(picture.svg().utf8), to: plot) }
        if !result.failures.isEmpty { throw ExitCode(1) }
    }

    private func chosenLags(_ run: RunSpec) -> [Int] { lags ?? [0, 1, 2, 4, 8] + (run.isTokenRun ? [] : [16]) }

    /// The options of methods that --set names.
    private var chosen: Set<String> {
        let prefix = "method.options."
        return Set(overrides.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count).prefix { $0 != "=" }) })
    }

    private static func listed() -> String {
        let parts = [false, true].map { tokens in
            let known = LagCorrection.known(tokens: tokens)
            let named = LagCorrection.named(tokens: tokens)
            var table = TextTable([("correction", .left), ("method", .left), ("options", .left), ("", .left)])
            for one in named {
                let options = one.options.map { "\($0.name)=\(Int($0.value))" }.joined(separator: " ")
                table.add([one.name, one.method + (known.contains(one.name) ? "" : " (not in the catalogue)"), options, one.meaning])
            }
            let others = known.filter { name in !named.contains { $0.name == name } }
            return (tokens ? "For token policies:\n\n" : "") + table.text
                + (others.isEmpty ? "" : "\n\nand every method by its id: \(others.joined(separator: ", "))")
        }
        return parts.joined(separator: "\n\n")
    }

    private static func listedJSON() -> JSON {
        func list(tokens: Bool) -> [JSON.Member] {
            let known = LagCorrection.known(tokens: tokens)
            let corrections = LagCorrection.named(tokens: tokens).map { one in
                JSON.object([
                    .init("name", .string(one.name)), .init("method", .string(one.method)),
                    .init("options", .object(one.options.map { .init($0.name, .number($0.value)) })),
                    .init("meaning", .string(one.meaning)), .init("available", .bool(known.contains(one.name))),
                ])
            }
            return [.init("corrections", .array(corrections)), .init("known", .array(known.map(JSON.string)))]
        }
        return .object(list(tokens: false) + [.init("token_policies", .object(list(tokens: true)))])
    }
}
