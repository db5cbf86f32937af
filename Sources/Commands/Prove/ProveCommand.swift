import ArgumentParser
import Methods
import Platform

struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "Runs a paper's claim about a method at small scale, and tells whether it holds here.",
        discussion: """
            A claim compares arms: ways to train, each with several seeds. It holds where the 90 % interval of the difference of means (by \
            bootstrap over the seeds, which all arms share) is wholly on its side, does not hold where it is wholly on the other, \
            and is undecided where it straddles. A report per method goes to DIR/METHOD.json; with --all, all of them go to DIR/PROOFS.md.

            \(ExperimentOptions.discussion)

            Exit codes: 0 it ran, whatever the verdicts, 1 a cell failed, 130 interrupted.
            """)

    @Argument(help: ArgumentHelp("Ids of methods (apus methods lists them, with their claims).", valueName: "method"))
    var methods: [String] = []

    @Flag(help: "Every method that has a proof.")
    var all = false

    @Option(help: "How many seeds, instead of as many as the proof says.")
    var seeds: Int?

    @Option(help: ArgumentHelp("The folder of the results.", valueName: "dir"))
    var out = "proofs"

    @OptionGroup var options: ExperimentOptions
    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard all != !methods.isEmpty else { throw ValidationError("Say which methods, or --all.") }
        if let seeds, !(1...1000).contains(seeds) { throw ValidationError("--seeds is \(seeds), allowed are 1 to 1000.") }
    }

    func run() throws {
        let catalogue = MethodCatalogue.current
        let entries = all ? catalogue.methods.filter { $0.proof != nil } : try methods.map { try catalogue.method(id: $0) }
        let proofs = try entries.map { try ProofCells($0, seeds: seeds) }
        let starts = proofs.reduce(into: [0]) { $0.append($0.last! + $1.cells.count) }
        let experiment = try options.experiment(proofs.flatMap(\.cells), in: out)
        var reports = [ProofReport?](repeating: nil, count: proofs.count)

        /// The proofs that are complete now, each once.
        func completed() throws -> [ProofReport] {
            try proofs.indices.filter { reports[$0] == nil }.compactMap { number in
                reports[number] = ProofReport(proofs[number]) { experiment.outcome(starts[number] + $0) }
                guard let report = reports[number] else { return nil }
                try Files.writeAtomically(report.json.serialized() + [UInt8(ascii: "\n")], to: "\(out)/\(report.entry.id).json")
                return report
            }
        }
        for one in try completed() where !report.json { Console.output(one.text) }
        try experiment.run(silent: report.json) { try completed().map(\.text) }

        let finished = reports.compactMap { $0 }
        if all { try Files.writeAtomically(Array(ProofBook.text(finished).utf8), to: "\(out)/PROOFS.md") }
        report.print(
            table(finished), json: .object([.init("proofs", .array(finished.map(\.json))), .init("out", .string(out))]))
        if finished.contains(where: { !$0.failures.isEmpty }) { throw ExitCode(1) }
    }

    private func table(_ reports: [ProofReport]) -> String {
        var table = TextTable([("method", .left), ("claim", .left), ("training", .right), ("", .left)])
        for report in reports { table.add([report.entry.id, report.answer.rawValue, Format.seconds(report.seconds), report.proof.claim]) }
        return table.text
    }
}
