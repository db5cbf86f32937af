import Acting
import Environments
import Learning
import Platform
import Rollouts

extension EvaluateCommand {
    /// What a token policy says to tasks that were held out.
    func respond(_ policy: SavedTokenPolicy) throws {
        let result = try policy.evaluate(tasks: episodes, samples: samples, seed: seed)
        let greedy = try policy.evaluate(tasks: episodes, seed: seed, greedy: true)
        let rates = passRates(result)
        var lines = [
            "version \(policy.version) of \(directory) in \(policy.spec.environment.id): \(result.samples) responses to each of \(episodes) held-out tasks",
            rates.map { "pass@\($0.k) \(Format.decimal($0.rate * 100, 1)) %" }.joined(separator: ", ")
                + ", greedy \(Format.decimal(greedy.passRate(at: 1) * 100, 1)) %",
            "mean reward \(Format.decimal(result.meanReward, 3)), mean length \(Format.decimal(result.meanLength, 1)) tokens, "
                + "entropy \(Format.decimal(result.entropy, 3)) nats a token, \(Format.decimal(result.diversity * 100, 0)) % different responses to a task",
        ]
        for group in result.groups.prefix(show) {
            lines.append("")
            lines.append("task \(group.task), level \(group.difficulty): \(policy.environment.vocabulary.decode(group.prompt))")
            for response in group.responses {
                lines.append("  \(response.mark) \(Format.decimal(Double(response.reward), 2))  \(text(response, policy.environment.vocabulary))")
            }
        }
        report.print(lines.joined(separator: "\n"), json: json(result, rates, greedy.passRate(at: 1), policy))
    }

    /// Without the stop that ends it; what was cut off at the longest length says so.
    private func text(_ response: GroupResponse, _ vocabulary: Vocabulary) -> String {
        let isEnded = response.tokens.last == vocabulary.stop
        let text = vocabulary.decode(isEnded ? response.tokens.dropLast() : response.tokens).split(separator: "\n", omittingEmptySubsequences: false)
        return text.joined(separator: " ⏎ ") + (isEnded ? "" : " … (cut off)")
    }

    /// At 1, 2, 4 … responses, and at all.
    private func passRates(_ result: ResponseEvaluationResult) -> [(k: Int, rate: Double)] {
        var counts: [Int] = []
        var k = 1
        while k < result.samples {
            counts.append(k)
            k *= 2
        }
        return (counts + [result.samples]).map { ($0, result.passRate(at: $0)) }
    }

    private func json(
        _ result: ResponseEvaluationResult, _ rates: [(k: Int, rate: Double)], _ greedy: Double, _ policy: SavedTokenPolicy
    ) -> JSON {
        .object([
            .init("run_dir", .string(directory)), .init("version", .integer(Int(policy.version))),
            .init("environment", .string(policy.spec.environment.id)), .init("tasks", .integer(episodes)), .init("samples", .integer(result.samples)),
            .init("pass_rates", .object(rates.map { .init("\($0.k)", .number($0.rate)) })), .init("greedy", .number(greedy)),
            .init("mean_reward", .number(result.meanReward)), .init("mean_length", .number(result.meanLength)),
            .init("entropy", .number(result.entropy)), .init("diversity", .number(result.diversity)),
            .init("shown", .array(result.groups.prefix(show).map { Transcripts.line($0, policy.environment) })),
        ])
    }
}

extension GroupResponse {
    /// Correct, wrong, or not judged.
    fileprivate var mark: String { end == .unverified ? "?" : isCorrect ? "+" : "-" }
}
