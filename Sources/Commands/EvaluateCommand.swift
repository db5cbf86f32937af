import Acting
import ArgumentParser
import Learning
import Platform
import Runs
import Tensors

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Plays fresh episodes with the policy of a checkpoint.",
        discussion: """
            The start states are none that the run has seen: not in training, and not in its own evaluations. The same checkpoint, seed \
            and number of episodes give the same result.

            A token policy responds to tasks that were held out from training: several draws for each, and one of the most probable tokens. \
            With --show: + correct, - wrong, ? not judged by the verifier, then the reward and the response.
            """)

    @Argument(help: ArgumentHelp("The directory of a run.", valueName: "run-dir"))
    var directory: String

    @Option(help: ArgumentHelp("latest, best or a policy version.", valueName: "which"), transform: Self.choice)
    var checkpoint = SavedPolicy.Choice.latest

    @Option(help: "How many episodes to play, or how many tasks a token policy responds to.")
    var episodes = 100

    @Option(help: "Decides the start states and, with --sampled, the actions; by default the run's seed.")
    var seed: UInt64?

    @Flag(help: "Sample actions from the policy instead of taking the most probable one.")
    var sampled = false

    @Option(help: "Responses to each task of a token policy; by default the run's tokens.samples.")
    var samples: Int?

    @Option(help: "Print the responses of a token policy to so many tasks.")
    var show = 0

    @OptionGroup var report: ReportOptions

    func validate() throws {
        if let samples, !(1...1024).contains(samples) { throw ValidationError("--samples is \(samples), allowed are 1 to 1024.") }
        guard show >= 0 else { throw ValidationError("--show is \(show), allowed are whole numbers from 0.") }
        guard 1...65536 ~= episodes else { throw ValidationError("--episodes is \(episodes), allowed are 1 to 65536.") }
    }

    private static func choice(_ text: String) throws -> SavedPolicy.Choice {
        switch text {
        case "latest": return .latest
        case "best": return .best
        default:
            guard let version = UInt64(text) else { throw ValidationError("\"\(text)\" is neither latest nor best nor a version.") }
            return .version(version)
        }
    }

    func run() throws {
        setBLASThreads(1)
        let opened = try RunDirectory.open(directory)
        if try opened.loadSpec().isTokenRun {
            guard !sampled else { throw ValidationError("A token policy's responses are drawn, and greedy ones stand beside them: leave --sampled out.") }
            return try respond(SavedTokenPolicy(opened, checkpoint))
        }
        guard samples == nil, show == 0 else { throw ValidationError("--samples and --show are for token policies; this run has episodes.") }
        let policy = try SavedPolicy(opened, checkpoint)
        let result = try policy.evaluate(episodes: episodes, seed: seed, sampled: sampled)
        report.print(text(result, policy), json: json(result, policy))
    }

    private func text(_ result: EvaluationResult, _ policy: SavedPolicy) -> String {
        func number(_ value: Double) -> String { Format.decimal(value, 1) }
        return """
            version \(policy.version) of \(directory) in \(policy.spec.environment.id), \
            \(sampled ? "sampled actions" : "most probable actions")
            mean return \(number(result.meanReturn)) over \(episodes) episodes (standard deviation \(number(result.standardDeviation)), \
            from \(number(result.minimum)) to \(number(result.maximum))), mean length \(number(result.meanLength))
            """
    }

    private func json(_ result: EvaluationResult, _ policy: SavedPolicy) -> JSON {
        .object([
            .init("run_dir", .string(directory)), .init("version", .integer(Int(policy.version))),
            .init("environment", .string(policy.spec.environment.id)), .init("sampled", .bool(sampled)),
            // A number of 64 bits is a text: JSON readers take numbers for doubles.
            .init("seed", .string("\(seed ?? policy.spec.seed)")),
            .init("episodes", .integer(episodes)), .init("mean_return", .number(result.meanReturn)),
            .init("standard_deviation", .number(result.standardDeviation)), .init("minimum", .number(result.minimum)),
            .init("maximum", .number(result.maximum)), .init("mean_length", .number(result.meanLength)),
        ])
    }
}

extension EvaluationResult {
    fileprivate var minimum: Double { returns.min().map(Double.init) ?? .nan }
    fileprivate var maximum: Double { returns.max().map(Double.init) ?? .nan }
    fileprivate var meanLength: Double {
        lengths.isEmpty ? .nan : lengths.reduce(0) { $0 + Double($1) } / Double(lengths.count)
    }
}
