import ArgumentParser
import Coordinating
import Platform
import Runs
import Wire

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Asks a run's coordinator who takes part, what everybody waits for, and what came out last.",
        discussion: "Without a run and an address, the one run under --runs that is being led. Exit codes: 0 answered, 1 not.")

    @Argument(help: ArgumentHelp("The directory of a run.", valueName: "run-dir"))
    var directory: String?

    @Option(help: "The coordinator's address instead of a run, for example tcp://127.0.0.1:7700.")
    var coordinator: String?

    @Option(help: "The folder with the key to ask with; default $APUS_KEYS, else none.")
    var keys: String?

    @Option(help: "The folder in which to look for the run.")
    var runs = "runs"

    @OptionGroup var report: ReportOptions

    /// How long a coordinator may take to answer, in seconds.
    private static let patience = 2.0

    func validate() throws {
        guard directory == nil || coordinator == nil else { throw ValidationError("Give a run or --coordinator, not both.") }
    }

    func run() throws {
        let run = coordinator == nil ? try directory.map(RunDirectory.open) ?? ledRun() : nil
        let address = try run.map(StatusClient.coordinator) ?? Endpoint(coordinator!)
        let status = try StatusClient(coordinator: address, keys: KeyFolder.chosen(keys)?.load(), context: SocketContext()).request(timeout: Self.patience)
        let ledger = try run.flatMap { Files.exists($0.ledger) ? try LedgerCheck.run($0.ledger) : nil }
        let answer = StatusReport(status: status, coordinator: address, ledger: ledger)
        report.print(answer.text, json: answer.json)
    }

    private func ledRun() throws -> RunDirectory {
        let names = Files.isDirectory(runs) ? try Files.list(runs) : []
        let led = names.map { RunDirectory(path: "\(runs)/\($0)") }.filter { Files.exists($0.coordinator) }
        guard led.count == 1 else { throw UnclearRun(runs: runs, led: led.map(\.path)) }
        return led[0]
    }
}

/// It does not follow from the folder which run is meant.
struct UnclearRun: Remediable {
    let runs: String
    let led: [String]

    var problem: String { led.isEmpty ? "no run is being led here" : "\(led.count) runs are being led here" }
    var place: String { runs }
    var remedy: String {
        led.isEmpty
            ? "Start one with: apus train cartpole. Or give the address of a coordinator: apus status --coordinator tcp://HOST:PORT"
            : "Say which one: apus status " + led.joined(separator: ", or apus status ")
    }
}
