import ArgumentParser
import Glibc
import Platform
import Runs
import Wire

/// The program `apus-coordinator`.
public struct CoordinatorCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "apus-coordinator", abstract: "Knows who takes part in a run, hands out places and keeps the run's record.",
        discussion: """
            RUN is a preset, a run file (YAML), or the directory of a run to go on with. SIGINT or SIGTERM end the run: the learner writes a checkpoint
            and everybody leaves. Killed, it can be started again with the run's directory: acting and learning go on meanwhile.
            """)

    @Option(name: .customLong("run"), help: "A preset, a run file, or the directory of a run to go on with.")
    var source: String

    @Option(help: "The address to listen on.")
    var bind = "tcp://127.0.0.1:7700"

    @Option(help: "The folder that holds the run directories.")
    var runs = "runs"

    @Option(help: "The name of a new run.")
    var name: String?

    @Option(name: .customLong("set"), help: ArgumentHelp("Change a key of the run file, for example actors.slots=64.", valueName: "key=value"))
    var overrides: [String] = []

    @Flag(help: "Listen on an address that other hosts reach, without encryption.")
    var insecure = false

    @Option(help: ArgumentHelp("Serve /metrics for Prometheus, /status, /healthz and /readyz there, for example 127.0.0.1:7780.", valueName: "host:port"))
    var http: String?

    @Flag(help: "Let other hosts read what --http serves: no secrets, but who takes part and what comes out.")
    var httpOpen = false

    @Option(help: ArgumentHelp("Die with this process.", visibility: .hidden))
    var parent: Int32?

    public init() {}

    public func run() throws {
        if let parent { Parent.tie(to: parent) }
        let signals = Signals.take()
        let log = ConsoleLog.logger("coordinator")
        let endpoint = try Endpoint(bind)
        try BindingPolicy.check(endpoint, insecure: insecure)
        let http = try http.map { try HttpAddress($0) }
        try http?.check(open: httpOpen)
        let directory: RunDirectory
        let isNew = !Files.isDirectory(source)
        if !isNew {
            guard overrides.isEmpty, name == nil else {
                throw ValidationError("A run that exists goes on as \(source)/run.yaml says: edit it instead of giving --set or --name.")
            }
            directory = try RunDirectory.open(source)
        } else {
            directory = try RunDirectory.create(runs: runs, name: name, spec: RunSpec.load(source, overrides: overrides))
        }
        let ending: Ending
        do {
            ending = try CoordinatorRole(directory, endpoint: endpoint, http: http, context: SocketContext(), signals: signals, log: log).lead()
        } catch let error where error is SocketError || error is HttpError {
            // It could not listen, so nothing has begun: the name stays free.
            if isNew { try? Files.remove(directory.path) }
            throw error
        }
        log.info("\(ending.description); the run lies in \(directory.path)")
        Glibc.exit(ending.exitCode)
    }
}
