import ArgumentParser
import Glibc
import Platform
import Wire

/// The program `apus-learner`.
public struct LearnerCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "apus-learner", abstract: "Trains on the actors' rollouts and publishes the policy.",
        discussion: """
            Checkpoints and the ledger go to RUNS/NAME. Stopped by SIGINT or SIGTERM, it writes a checkpoint; started again, it resumes from there.
            Exit codes: 0 the run is over or a signal asked to leave, 1 failed, 3 refused.
            """)

    @Option(help: "The coordinator's address, for example tcp://127.0.0.1:7700.")
    var coordinator: String

    @Option(help: "The folder that holds the run directories.")
    var runs = "runs"

    @Option(help: "The host address to listen on for actors; by default the one by which this host reaches the coordinator.")
    var bind: String?

    @Option(help: "The host name or address that actors reach this learner by; by default the one it listens on.")
    var advertise: String?

    @Flag(help: "Listen on an address that other hosts reach, without encryption.")
    var insecure = false

    @Option(help: ArgumentHelp("Listen on unix sockets in this folder.", visibility: .hidden))
    var folder: String?

    @Option(help: ArgumentHelp("Die with this process.", visibility: .hidden))
    var parent: Int32?

    public init() {}

    public func run() throws {
        if let parent { Parent.tie(to: parent) }
        let signals = Signals.take()
        let log = ConsoleLog.logger("learner")
        let binding: LearnerBinding
        if let folder {
            binding = .folder(folder, advertised: advertise ?? folder)
        } else {
            let way = try Endpoint(coordinator).localAddress ?? "127.0.0.1"
            let bind = bind ?? way
            let listening = try Endpoint("tcp://\(bind):*")
            try BindingPolicy.check(listening, insecure: insecure)
            binding = .host(bind, advertised: advertise ?? (listening.isEverywhere ? way : bind))
        }
        let role = LearnerRole(
            coordinator: try Endpoint(coordinator), context: SocketContext(), signals: signals, binding: binding, runs: runs, log: log)
        let ending = role.run()
        log.log(level: ending.exitCode == 0 ? .info : .error, "\(ending.description)")
        Glibc.exit(ending.exitCode)
    }
}
