import ArgumentParser
import Environments
import Glibc
import Platform
import Tensors
import Workers

struct CheckEnvironment: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Tests whether an environment keeps the rules, and measures it.",
        discussion: """
            Random actions are played; seeds, endings, final observations, spaces and step times are looked at, and what happens when the \
            worker process is killed. Exit codes: 0 all passed, 1 something did not, or the environment does not run.
            """)

    @OptionGroup var selection: EnvironmentSelection

    @Option(help: "How many steps are played.")
    var steps = 1000

    @Flag(help: "Nothing in the environment is random: seeds need not matter.")
    var deterministic = false

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard 1...100_000_000 ~= steps else { throw ValidationError("--steps is \(steps), allowed are 1 to 100000000.") }
    }

    func run() throws {
        let catalogue = EnvironmentCatalogue.current
        let settings = try selection.settings(in: catalogue)
        let check = try EnvironmentCheck(settings, catalogue: catalogue, slots: selection.slots, steps: steps, deterministic: deterministic)
        report.print(text(check), json: json(check))
        if !check.passed { throw ExitCode(1) }
    }

    private static let percentiles: [(name: String, share: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999), ("max", 1),
    ]

    private func text(_ check: EnvironmentCheck) -> String {
        var table = TextTable([("check", .left), ("result", .left), ("", .left)])
        for finding in check.findings { table.add([finding.name, finding.verdict.rawValue, finding.text]) }
        let times = Self.percentiles.map { "\($0.name) \(milliseconds(check.percentile($0.share)))" }
        let failed = check.findings.filter { $0.verdict == .fail }.count
        let environment = check.environment
        return """
            \(check.id)
              observation  \(environment.observationSpace.words)
              action       \(environment.actionSpace.words)
              step limit   \(environment.maxEpisodeSteps.map { "\($0), then truncated" } ?? "none")

            \(table.text)

            a step of \(check.slots) slots in ms: \(times.joined(separator: ", ")); \(Format.count(check.stepsPerSecond)) steps/s
            \(failed == 0 ? "All passed." : "\(failed) of \(check.findings.count) FAILED.")
            """
    }

    private func milliseconds(_ seconds: Double) -> String { Format.decimal(seconds * 1000, seconds < 0.01 ? 3 : 1) }

    private func json(_ check: EnvironmentCheck) -> JSON {
        .object([
            .init("id", .string(check.id)), .init("passed", .bool(check.passed)), .init("slots", .integer(check.slots)),
            .init("steps", .integer(check.steps)), .init("observation_space", check.environment.observationSpace.json),
            .init("action_space", check.environment.actionSpace.json),
            .init("max_episode_steps", check.environment.maxEpisodeSteps.map(JSON.integer) ?? .null),
            .init("steps_per_second", .number(check.stepsPerSecond)),
            .init("step_seconds", .object(Self.percentiles.map { .init($0.name, .number(check.percentile($0.share))) })),
            .init(
                "checks",
                .array(
                    check.findings.map {
                        .object([
                            .init("name", .string($0.name)),
                            .init("result", .string($0.verdict == .unseen ? "UNSEEN" : $0.verdict.rawValue)),
                            .init("text", .string($0.text)),
                        ])
                    })),
        ])
    }
}
