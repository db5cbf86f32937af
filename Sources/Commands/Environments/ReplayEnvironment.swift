import ArgumentParser
import Environments
import Platform
import Tensors
import Workers

struct ReplayEnvironment: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Compares an environment with a recorded trajectory, step by step.",
        discussion: """
            Sets the state of each row of a CSV file (columns episode, step, state0 …, action0 …, obs0 …, reward, terminated, truncated), \
            steps, and prints the largest deviations. Exit codes: 0 within the tolerance, 1 beyond it, or the file is no trace.
            """)

    @Argument(help: "The id of an environment inside Apus.")
    var id: String

    @Argument(help: ArgumentHelp("The recorded trajectory.", valueName: "file.csv"))
    var file: String

    @Option(help: "The largest deviation that passes; by default 1e-5, and 1e-6 of the recorded number for MuJoCo.")
    var tolerance: Double?

    @OptionGroup var report: ReportOptions

    func validate() throws {
        if let tolerance, !(tolerance >= 0) { throw ValidationError("--tolerance is \(tolerance), allowed is 0 or more.") }
    }

    func run() throws {
        let environment = try EnvironmentCatalogue.current.environment(id: id)
        guard let restorable = environment as? any RestorableEnvironment.Type else {
            throw EnvironmentError(
                problem: "the state of \(id) cannot be set", place: "environment \(id)",
                remedy: "Those that can be replayed: \(Self.restorable.joined(separator: ", ")).")
        }
        let replay = try Self.replay(restorable, file, tolerance: tolerance)
        report.print(text(replay), json: json(replay))
        if !replay.passed { throw ExitCode(1) }
    }

    private static var restorable: [String] {
        EnvironmentCatalogue.current.environments.filter { $0 is any RestorableEnvironment.Type }.map { $0.id }
    }

    private static func replay(_ environment: any RestorableEnvironment.Type, _ file: String, tolerance: Double?) throws -> TraceReplay {
        func replay<E: RestorableEnvironment>(_: E.Type) throws -> TraceReplay {
            // Only MuJoCo's numbers grow large.
            let isRelative = E.self is any MuJoCoEnvironment.Type
            return try TraceReplay(E.self, file, isRelative: isRelative, tolerance: tolerance ?? (isRelative ? 1e-6 : 1e-5))
        }
        return try replay(environment)
    }

    private func text(_ replay: TraceReplay) -> String {
        func line(_ deviation: TraceReplay.Deviation) -> String {
            "\(deviation.value)" + (deviation.line.map { " (line \($0))" } ?? "")
        }
        return """
            \(replay.id): \(replay.rows) steps of \(file), \
            \(replay.isRelative ? "relative" : "absolute") deviation, allowed \(replay.tolerance)
              observation  \(line(replay.observation))
              reward       \(line(replay.reward))
              flags        \(replay.flags) wrong\(replay.firstFlag.map { ", the first in line \($0)" } ?? "")
            \(replay.passed ? "PASS" : "FAIL")
            """
    }

    private func json(_ replay: TraceReplay) -> JSON {
        .object([
            .init("id", .string(replay.id)), .init("passed", .bool(replay.passed)), .init("rows", .integer(replay.rows)),
            .init("relative", .bool(replay.isRelative)), .init("tolerance", .number(replay.tolerance)),
            .init("observation", .number(replay.observation.value)), .init("reward", .number(replay.reward.value)),
            .init("flags", .integer(replay.flags)),
        ])
    }
}
