import ArgumentParser
import Glibc
import Keeping
import Platform
import Wire

/// The program `apus-actor`.
public struct ActorCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "apus-actor", abstract: "Steps environments with a recent copy of the policy and streams rollouts to the learner.",
        discussion: "Start any number of them, on any host, before or after the learner. Exit codes: 0 the run is over or a signal asked to leave, 1 failed, 3 refused.")

    @Option(help: "The coordinator's address, for example tcp://127.0.0.1:7700.")
    var coordinator: String

    @Option(help: "Environment instances in this actor, instead of the run file's actors.slots.")
    var slots: Int?

    @Option(help: "The folder with this actor's key and the coordinator's (apus keys new --for NAME); default $APUS_KEYS, else none.")
    var keys: String?

    @Option(
        name: .customLong("allow-worker"),
        help: ArgumentHelp(
            "A program that the run file of a coordinator on another host may have started here, as in worker:PROGRAM; repeatable.",
            valueName: "program"))
    var workers: [String] = []

    @Option(help: ArgumentHelp("Die with this process.", visibility: .hidden))
    var parent: Int32?

    @OptionGroup var keeping: KeepOptions

    public func validate() throws {
        if let slots, !(1...65536).contains(slots) { throw ValidationError("--slots is \(slots), allowed are 1 to 65536.") }
    }

    public init() {}

    public func run() throws {
        let address = try Endpoint(coordinator)
        let reached: (String, UInt16)? = if case .tcp(let host, let port?) = address.transport { (host, port) } else { nil }
        if try keeping.run(coordinator: reached) { return }
        if let parent { Parent.tie(to: parent) }
        let signals = Signals.take()
        let log = ConsoleLog.logger("actor")
        let role = ActorRole(
            coordinator: address, context: SocketContext(), signals: signals, slots: slots, keys: try KeyFolder.chosen(keys)?.load(),
            workers: workers, log: log)
        let ending = role.run()
        log.log(level: ending.exitCode == 0 ? .info : .error, "\(ending.description)")
        Glibc.exit(ending.exitCode)
    }
}
