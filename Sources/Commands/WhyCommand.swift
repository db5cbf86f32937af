import ArgumentParser
import Coordinating
import Platform
import Runs
import Wire

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Says in one sentence why a run does not go on, or what limits it.",
        discussion: """
            It asks the coordinator who waits for whom, and looks at the processes, the lock and the ledger that lie on this host. Without a run and an
            address, the one run under --runs that is being led. Exit codes: 0 answered, 1 not.
            """)

    @OptionGroup var chosen: ChosenRun

    @Flag(help: "Add whatever else was found, and the chain of waits.")
    var verbose = false

    @OptionGroup var report: ReportOptions

    /// How long a coordinator may take to answer, in seconds.
    private static let patience = 1.2

    func run() throws {
        let (run, address) = try chosen.resolve()
        let status = try StatusClient(coordinator: address, context: SocketContext()).requestUnlessSilent(timeout: Self.patience)
        let evidence = Evidence.gather(address: address.description, status: status, patience: Self.patience, directory: run)
        let diagnosis = Diagnosis(evidence)
        report.print(text(diagnosis), json: json(diagnosis))
    }

    private func text(_ diagnosis: Diagnosis) -> String {
        var lines = [sentence(diagnosis.answer)]
        if let remedy = diagnosis.answer.remedy { lines.append(remedy) }
        guard verbose else { return lines.joined(separator: "\n") }
        if diagnosis.explanations.count > 1 { lines += ["", "Also:"] + diagnosis.explanations.dropFirst().map { "  \(sentence($0))" } }
        if !diagnosis.chain.isEmpty { lines += ["", "Who waits for whom:"] + diagnosis.chain.map { "  \($0)" } }
        return lines.joined(separator: "\n")
    }

    private func sentence(_ explanation: Explanation) -> String {
        guard let first = explanation.sentence.first else { return "" }
        return "\(first.uppercased())\(explanation.sentence.dropFirst())."
    }

    private func json(_ diagnosis: Diagnosis) -> JSON {
        guard case .object(let answer) = diagnosis.answer.json else { return diagnosis.answer.json }
        return .object(
            answer + [
                .init("also", .array(diagnosis.explanations.dropFirst().map(\.json))), .init("chain", .array(diagnosis.chain.map(JSON.string))),
            ])
    }
}
