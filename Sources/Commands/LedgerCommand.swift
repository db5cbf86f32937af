import ArgumentParser
import Glibc
import Platform
import Runs

struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Looks into the record of every rollout's fate.", subcommands: [Check.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Proves that produced = terminal + queued + in flight, and that nothing was trained on twice.",
            discussion: "Exit codes: 0 the ledger is sound, 1 it is not.")

        @Argument(help: ArgumentHelp("The directory of a run.", valueName: "run-dir"))
        var directory: String

        @OptionGroup var report: ReportOptions

        func run() throws {
            let check = try LedgerCheck.run(RunDirectory.open(directory).ledger)
            report.print(check.text, json: check.json)
            if !check.isSound { throw ExitCode(1) }
        }
    }
}
