import ArgumentParser
import Coordinating
import Platform
import Runs
import Wire

struct AdjustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adjust", abstract: "Changes a setting of a run while it goes on.",
        discussion: """
            The bound on policy lag (learner.max_lag) holds from the next update on: tickets that actors hold get new minimum versions, and older
            rollouts are swept. A method's own bound stays where it is tighter. The run file is rewritten, so a resumed run keeps it.
            """)

    @Argument(help: ArgumentHelp("The directory of a run.", valueName: "run-dir"))
    var directory: String?

    @Option(help: "The coordinator's address instead of a run, for example tcp://127.0.0.1:7700.")
    var coordinator: String?

    @Option(help: "The folder with the key to ask with; default $APUS_KEYS, else none.")
    var keys: String?

    @Option(help: ArgumentHelp("The bound on policy lag, in updates.", valueName: "updates"))
    var maxLag: Int

    func validate() throws {
        guard (directory == nil) != (coordinator == nil) else { throw ValidationError("Give a run or --coordinator, one of them.") }
        guard (0...(1 << 53)).contains(maxLag) else { throw ValidationError("--max-lag is \(maxLag), allowed is a whole number from 0 to 2^53") }
    }

    func run() throws {
        let address = try directory.map { try StatusClient.coordinator(of: RunDirectory.open($0)) } ?? Endpoint(coordinator!)
        try StatusClient(coordinator: address, keys: KeyFolder.chosen(keys)?.load(), context: SocketContext()).adjust(maxLag: UInt64(maxLag), timeout: 2)
        Console.output("learner.max_lag is \(maxLag) from now on")
    }
}
