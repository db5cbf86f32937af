import ArgumentParser
import Coordinating
import Platform
import Runs
import Wire

/// Which run a command looks at: its directory, its name under --runs, or the address of its coordinator.
struct ChosenRun: ParsableArguments {
    @Argument(help: ArgumentHelp("The directory or the name of a run, or its coordinator's address.", valueName: "run"))
    var run: String?

    @Option(help: "The coordinator's address instead of a run, for example tcp://127.0.0.1:7700.")
    var coordinator: String?

    @Option(help: "The folder in which to look for the run.")
    var runs = "runs"

    func validate() throws {
        guard run == nil || coordinator == nil else { throw ValidationError("Give a run or --coordinator, not both.") }
    }

    /// The run's directory, where it lies on this host, and its coordinator's address.
    func resolve() throws -> (directory: RunDirectory?, coordinator: Endpoint) {
        if let address = coordinator ?? run.flatMap({ $0.contains("://") ? $0 : nil }) { return (nil, try Endpoint(address)) }
        let directory = try directory
        return (directory, try StatusClient.coordinator(of: directory))
    }

    private var directory: RunDirectory {
        get throws {
            guard let run else { return try ledRun() }
            let named = "\(runs)/\(run)"
            return try RunDirectory.open(!Files.exists(run) && Files.exists(named) ? named : run)
        }
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
            ? "Start one with: apus train cartpole. Or give the address of a coordinator: apus status tcp://HOST:PORT"
            : "Say which one: apus status " + led.joined(separator: ", or apus status ")
    }
}
