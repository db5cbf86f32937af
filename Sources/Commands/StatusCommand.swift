import ArgumentParser
import Coordinating
import Platform
import Runs
import Wire

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Asks a run's coordinator who takes part, what everybody waits for, and what came out last.",
        discussion: "Without a run and an address, the one run under --runs that is being led. Exit codes: 0 answered, 1 not.")

    @OptionGroup var chosen: ChosenRun
    @OptionGroup var report: ReportOptions

    /// How long a coordinator may take to answer, in seconds.
    private static let patience = 2.0

    func run() throws {
        let (run, address) = try chosen.resolve()
        let status = try StatusClient(coordinator: address, context: SocketContext()).request(timeout: Self.patience)
        let ledger = try run.flatMap { Files.exists($0.ledger) ? try LedgerCheck.run($0.ledger) : nil }
        let answer = StatusReport(status: status, coordinator: address, ledger: ledger)
        report.print(answer.text, json: answer.json)
    }
}
