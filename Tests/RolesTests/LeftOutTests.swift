import Acting
import Learning
import Rollouts
import Runs
import Testing
import Wire

/// Dynamic sampling leaves groups out of training, not out of the record.
@Suite struct LeftOutTests {
    private static func trainer(leavesOut: Bool) throws -> (TokenTrainer, any RolloutSource) {
        var spec = RunSpec()
        spec.environment.id = "addition"
        spec.environment.options = ["digits": 1]
        spec.method.id = "grpo"
        spec.method.options = ["leave_out_equal": leavesOut ? 1 : 0, "responses": 4]
        spec.actors.slots = 16
        spec.optimizer.learningRate = 1e-12
        (spec.tokens.layers, spec.tokens.width, spec.tokens.heads, spec.tokens.groups) = (1, 16, 2, 16)
        (spec.warmup.updates, spec.warmup.batch, spec.warmup.learningRate, spec.warmup.accuracy) = (40, 32, 0.01, 1)
        let trainer = try TokenTrainer(spec)
        try trainer.begin { _ in }
        return (trainer, try ActorAssignment(spec).source(place: MemberPlace(rank: 0, incarnation: 0), credits: 1))
    }

    /// Returns of a policy that hardly changes, and of those responses alone that were trained on.
    private static func returns(leavesOut: Bool) throws -> (all: Double, kept: Double) {
        let (trainer, source) = try trainer(leavesOut: leavesOut)
        var (all, kept): ([Float], [Bool]) = ([], [])
        for _ in 0..<30 {
            trainer.published().withBytes { source.load($0, version: trainer.version, life: 0) }
            let rollout = try source.collect()
            let (fresh, leftOut) = (rollout.groups.flatMap(\.responses).filter(\.isFresh), rollout.groups.map(\.leftOut))
            let report = try trainer.update([rollout])
            #expect(report.episodeReturns.count == fresh.count + leftOut.reduce(0) { $0 + Int($1.responses) })
            #expect(report.episodeLengths.count == report.episodeReturns.count)
            #expect(Int(report.episodeReturns.reduce(0, +)) == fresh.count(where: \.isCorrect) + leftOut.reduce(0) { $0 + Int($1.correct) })
            all += report.episodeReturns
            kept += fresh.map(\.isCorrect)
        }
        return (Double(all.reduce(0, +)) / Double(all.count), Double(kept.count { $0 }) / Double(kept.count))
    }

    @Test func theReturnIsThatOfAllResponses() throws {
        let (everything, dynamic) = (try Self.returns(leavesOut: false), try Self.returns(leavesOut: true))
        #expect(everything.all == everything.kept)
        #expect(abs(dynamic.all - everything.all) < 0.05, "\(dynamic) \(everything)")
        // Of what is trained on one response in four is right at least, whatever the policy can do.
        #expect(dynamic.kept > everything.all + 0.07, "\(dynamic) \(everything)")
    }
}
