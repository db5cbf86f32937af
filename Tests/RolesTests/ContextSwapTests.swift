import Acting
import Environments
import Foundation
import Learning
import Methods
import Networks
import Rollouts
import Runs
import Testing
import Wire

/// Responses to one prompt that are trained on behind another.
@Suite struct ContextSwapTests {
    private static func trainer(_ lines: [String]) throws -> (TokenTrainer, any RolloutSource, folder: String) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-swap-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try lines.joined(separator: "\n").write(toFile: "\(folder)/tasks.jsonl", atomically: true, encoding: .utf8)
        var spec = RunSpec()
        spec.environment.id = "tasks:\(folder)/tasks.jsonl"
        spec.environment.options = ["held_out": 0]
        spec.method.id = "grpo"
        spec.actors.slots = 8
        (spec.tokens.layers, spec.tokens.width, spec.tokens.heads, spec.tokens.groups) = (1, 16, 2, 4)
        return (try TokenTrainer(spec), try ActorAssignment(spec).source(place: MemberPlace(rank: 0, incarnation: 0), credits: 1), folder)
    }

    @Test func theLearnerReadsThePromptToTrainUnder() throws {
        let (trainer, source, folder) = try Self.trainer(["{\"id\": 1, \"prompt\": \"short?11=\", \"training_prompt\": \"?1=\", \"answer\": \"1\"}"])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        trainer.published().withBytes { source.load($0, version: 0, life: 0) }
        let rollout = try source.collect()
        try rollout.validate(trainer.shape)
        let vocabulary = try trainer.spec.tokenEnvironment.vocabulary
        for group in rollout.groups {
            #expect(vocabulary.decode(group.prompt) == "short?11=" && vocabulary.decode(group.trainingPrompt) == "?1=")
            for response in group.responses {
                func said(_ prompt: [Int32]) -> [Float] {
                    trainer.transformer(TokenBatch([TokenGroup(prompt: prompt, responses: [response.tokens])]), trainer.weights.parameters())
                        .logProb.withBuffer { Array($0) }
                }
                // μ is that of the prompt that was responded to.
                for (a, e) in zip(response.logProbs, said(group.prompt)) { #expect(abs(a - e) < 1e-5) }
                #expect(zip(response.logProbs, said(group.trainedPrompt)).contains { abs($0 - $1) > 1e-4 })
            }
            #expect(group.tokens == TokenGroup(prompt: group.trainingPrompt, responses: group.responses.map(\.tokens)))
        }
        // π is that of the other: at lag 0 the ratio is not 1.
        #expect(try #require(trainer.update([rollout]).metrics.first { $0.name == "behaviour_kl" }).value > 1e-6)
        // Evaluated is what is trained.
        let evaluated = try ResponseEvaluation(tasks: 1, samples: 2, seed: 1)
            .run(trainer.spec.environment.settings, trainer.spec.tokenAssignment!, weights: trainer.weights)
        #expect(evaluated.groups.allSatisfy { vocabulary.decode($0.prompt) == "?1=" && $0.trainingPrompt.isEmpty })
    }

    @Test func withoutOneThePromptIsTheSame() throws {
        let (trainer, source, folder) = try Self.trainer(["{\"id\": 1, \"prompt\": \"?11=\", \"answer\": \"1\"}"])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        trainer.published().withBytes { source.load($0, version: 0, life: 0) }
        let rollout = try source.collect()
        #expect(rollout.groups.allSatisfy { $0.trainingPrompt.isEmpty && $0.trainedPrompt == $0.prompt })
        #expect(try #require(trainer.update([rollout]).metrics.first { $0.name == "behaviour_kl" }).value < 1e-8)
    }

    /// The longer of both prompts decides how much the network must read.
    @Test func theContextHasRoomForBoth() throws {
        let (trainer, _, folder) = try Self.trainer(["{\"id\": 1, \"prompt\": \"?=\", \"training_prompt\": \"0123456789?=\", \"answer\": \"1\"}"])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(trainer.transformer.settings.context == 12 + 2)
    }
}
