import ArgumentParser
import Learning
import Platform
import Runs
import Wire

/// `apus cell`: one run of an experiment, in a process of its own, so that one that fails or crashes takes no other with it.
struct CellCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cell", abstract: "One run of an experiment: the last line of its output is its result.", shouldDisplay: false)

    @Argument(help: ArgumentHelp("The directory of the run.", valueName: "run-dir"))
    var directory: String

    @Option(help: "The lag of the data in updates: N, or 0...N for one that is drawn anew for each rollout.", transform: Self.lag)
    var lag = LagInjection.none

    @Flag(help: "End when the training return is at stop.return.")
    var untilTarget = false

    @Option(help: ArgumentHelp("Die with this process.", visibility: .hidden))
    var parent: Int32?

    private static func lag(_ text: String) throws -> LagInjection {
        guard let lag = LagInjection(text: text) else { throw ValidationError("\"\(text)\" is no lag: write N or 0...N.") }
        return lag
    }

    func run() throws {
        if let parent { Parent.tie(to: parent) }
        let start = Time.now
        let directory = try RunDirectory.open(directory)
        var spec = try directory.loadSpec()
        let curve = RunCurve(frames: spec.stop.frames, target: spec.stop.return, endsAtTarget: untilTarget)
        // The run itself must not end when it is solved, nor spend its time on records that nobody reads.
        spec.stop.return = nil
        spec.metrics.everySeconds = 3600
        var run = try LockstepRun(spec, directory: directory, lag: lag, curve: curve)
        _ = try run.run { _ in }
        let cell = CellResult(try RunResult.read(from: directory)!, run.curve!, seconds: Time.now - start)
        Console.output(String(decoding: cell.json.serialized(), as: UTF8.self))
    }
}
