import Acting
import Environments
import Learning
import Platform
import Rollouts
import Runs
import Testing
import Wire

/// Responses that are drawn from the most probable tokens alone: what the actor says of them is what the learner says of them.
@Suite struct TopPTests {
    private static func trainer(_ topP: Double, _ edit: (inout RunSpec) -> Void = { _ in }) throws -> (TokenTrainer, any RolloutSource) {
        var spec = RunSpec()
        spec.environment.id = "addition"
        spec.environment.options = ["digits": 1]
        spec.method.id = "grpo"
        spec.actors.slots = 8
        (spec.tokens.layers, spec.tokens.width, spec.tokens.heads, spec.tokens.groups, spec.tokens.topP) = (1, 16, 2, 4, topP)
        edit(&spec)
        return (try TokenTrainer(spec), try ActorAssignment(spec).source(place: MemberPlace(rank: 0, incarnation: 0), credits: 1))
    }

    private static func update(_ trainer: TokenTrainer, _ source: any RolloutSource) throws -> [String: Float] {
        trainer.published().withBytes { source.load($0, version: trainer.version, life: 0) }
        return Dictionary(uniqueKeysWithValues: try trainer.update([try source.collect()]).metrics)
    }

    /// At lag 0 the ratio is 1: nothing is clipped, and the divergence is that of rounding.
    @Test(arguments: [1, 0.9, 0.5]) func atLagZeroNothingIsOffPolicy(_ topP: Double) throws {
        let (trainer, source) = try Self.trainer(topP) { $0.tokens.changes = .wait }
        for _ in 0..<3 {
            let metrics = try Self.update(trainer, source)
            #expect(try #require(metrics["behaviour_kl"]) < 1e-8)
            #expect(metrics["clip_fraction"] == 0)
        }
    }

    /// An actor with another top-p than the learner believes: what the ratio would be without the cut.
    @Test func anotherCutIsSeen() throws {
        let (trainer, _) = try Self.trainer(1)
        let (_, source) = try Self.trainer(0.5)
        #expect(try #require(try Self.update(trainer, source)["behaviour_kl"]) > 0.01)
    }

    @Test func theRecordSaysWhatItTookToDraw() throws {
        let (trainer, source) = try Self.trainer(1)
        let metrics = try Self.update(trainer, source)
        let steps = try #require(metrics["decoding_steps"])
        #expect(steps > 0 && metrics["slot_utilisation"] == 1)
    }
}
