import ArgumentParser
import Platform

/// The hidden options by which `apus spawn` has a program keep actors on a host.
public struct KeepOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Keep so many of these actors alive, and pass on what they say.", visibility: .hidden))
    var keep: Int?

    @Option(help: ArgumentHelp("With --keep: the folder of the keeper.", visibility: .hidden))
    var state: String?

    @Option(help: ArgumentHelp("With --keep: where in the log to go on.", visibility: .hidden))
    var from: Int?

    @Flag(help: ArgumentHelp("With --keep: do not stay to pass on the log.", visibility: .hidden))
    var detach = false

    @Flag(help: ArgumentHelp("With --keep: be the keeper itself.", visibility: .hidden))
    var keeper = false

    public init() {}

    public func validate() throws {
        guard (keep == nil) == (state == nil) else { throw ValidationError("--keep and --state go together.") }
        if let keep, !(1...65536).contains(keep) { throw ValidationError("--keep is \(keep), allowed are 1 to 65536.") }
    }

    /// Does what the options ask for.
    ///
    /// - Parameter coordinator: to look at whether it can be reached.
    /// - Returns: false when they ask for nothing.
    public func run(coordinator: (host: String, port: UInt16)?) throws -> Bool {
        guard let keep, let state else { return false }
        let program = try Files.readLink("/proc/self/exe")
        // What stands before these options is for every actor.
        let arguments = Array(CommandLine.arguments.dropFirst().prefix { $0 != "--keep" && $0 != "--state" })
        let folder = try HostFolder(state)
        if keeper {
            try Keeper(folder, program: program, arguments: arguments)?.run()
        } else {
            try Attachment(folder: folder, program: program, arguments: arguments, count: keep, coordinator: coordinator)
                .run(from: from, detached: detach)
        }
        return true
    }
}
