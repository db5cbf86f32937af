import ArgumentParser
import Learning
import Platform
import Runs

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Makes a version of an asynchronous run again, serially, and compares every bit of its weights.",
        discussion: """
            From the ledger, the seeds and the run's descriptions alone: acting and learning are done over in one thread, in the order that the ledger tells. \
            The SHA-256 of weights and optimizer must be those of the checkpoint of that version. It holds for environments whose steps follow from their state, \
            the action and the seed, on the kind of processor and with the version of Apus that made the run.
            Exit codes: 0 equal, or nothing to compare with, 1 not equal.
            """)

    @Argument(help: ArgumentHelp("The directory of a run.", valueName: "run-dir"))
    var directory: String

    @Option(name: .customLong("to"), help: ArgumentHelp("The policy version to make; by default the latest checkpoint's.", valueName: "version"))
    var version: UInt64?

    @OptionGroup var report: ReportOptions

    func run() throws {
        let start = Time.now
        let replay = try SerialReplay(RunDirectory.open(directory), to: version)
        var told = start
        let result = try replay.run { version, target in
            guard !report.json, Time.now - told >= 1 else { return }
            told = .now
            Console.output("version \(version) of \(target)")
        }
        let seconds = Time.now - start
        report.print(text(result, seconds), json: json(result, seconds))
        if result.isEqual == false { throw ExitCode(1) }
    }

    private func text(_ result: SerialReplay.Result, _ seconds: Double) -> String {
        var lines = [
            "version \(result.version) made again in \(Format.decimal(seconds, 2)) s: \(result.lives) \(result.lives == 1 ? "life" : "lives") of the learner, "
                + "\(result.updates) updates, \(result.rollouts) rollouts",
            "weights   \(result.weights)", "optimizer \(result.optimizer)",
        ]
        switch (result.isEqual, result.saved) {
        case (true?, _): lines.append("equal to the checkpoint, bit for bit")
        case (false?, let saved?):
            lines += ["NOT equal to the checkpoint:", "weights   \(saved.weights)", "optimizer \(saved.optimizer)"]
        default: lines.append("the run keeps no checkpoint of this version to compare with")
        }
        if let other = result.otherMachine { lines.append("the run was made on another machine: \(other)") }
        return lines.joined(separator: "\n")
    }

    private func json(_ result: SerialReplay.Result, _ seconds: Double) -> JSON {
        func text(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }
        return .object([
            .init("version", .integer(Int(clamping: result.version))), .init("equal", result.isEqual.map(JSON.bool) ?? .null),
            .init("weights_sha256", .string(result.weights)), .init("optimizer_sha256", .string(result.optimizer)),
            .init("checkpoint_weights_sha256", text(result.saved?.weights)), .init("checkpoint_optimizer_sha256", text(result.saved?.optimizer)),
            .init("lives", .integer(result.lives)), .init("updates", .integer(result.updates)), .init("rollouts", .integer(result.rollouts)),
            .init("seconds", .number(seconds)), .init("other_machine", text(result.otherMachine)),
        ])
    }
}
