import Acting
import Environments
import Platform
import Rollouts

/// What a policy has said, for people: `transcripts/VERSION.jsonl` in the run directory, one line per task.
package enum Transcripts {
    /// Tasks of one evaluation that are written down.
    private static let shown = 8

    static func write(_ result: ResponseEvaluationResult, _ environment: any TokenEnvironment, version: UInt64, to folder: String) throws {
        try Files.createDirectory(folder)
        let lines = result.groups.prefix(shown).flatMap { line($0, environment).serialized() + [UInt8(ascii: "\n")] }
        try Files.writeAtomically(lines, to: "\(folder)/\(version).jsonl")
    }

    package static func line(_ group: ResponseGroup, _ environment: any TokenEnvironment) -> JSON {
        .object([
            .init("task", .integer(Int(group.task))), .init("level", .integer(Int(group.difficulty))),
            .init("prompt", .string(environment.vocabulary.decode(group.prompt))),
            .init(
                "responses",
                .array(
                    group.responses.map { response in
                        .object([
                            .init("text", .string(environment.vocabulary.decode(response.tokens))), .init("reward", .number(Double(response.reward))),
                            .init("correct", .bool(response.isCorrect)), .init("end", .string("\(response.end)")),
                        ])
                    })),
        ])
    }
}
