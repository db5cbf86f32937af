import Acting
import Environments
import Learning
import Rollouts
import Runs
import Testing
import Wire

/// Groups without a correct response are drawn anew behind a share of a demonstration.
@Suite struct HintTests {
    /// A trainer of a policy that is right now and then, and an actor.
    private static func scene(_ edit: (inout RunSpec) -> Void = { _ in }) throws -> (TokenTrainer, any RolloutSource) {
        var spec = RunSpec()
        spec.environment.id = "addition"
        spec.environment.options = ["digits": 1]
        spec.method.id = "grpo"
        spec.method.options = ["responses": 4]
        spec.actors.slots = 32
        (spec.tokens.layers, spec.tokens.width, spec.tokens.heads, spec.tokens.groups, spec.tokens.changes) = (1, 16, 2, 32, .wait)
        (spec.warmup.updates, spec.warmup.batch, spec.warmup.learningRate) = (60, 32, 0.01)
        edit(&spec)
        let trainer = try TokenTrainer(spec)
        try trainer.begin { _ in }
        return (trainer, try ActorAssignment(spec).source(place: MemberPlace(rank: 0, incarnation: 0), credits: 1))
    }

    private static func rollout(_ scene: (trainer: TokenTrainer, source: any RolloutSource)) throws -> Rollout {
        scene.trainer.published().withBytes { scene.source.load($0, version: scene.trainer.version, life: 0) }
        return try scene.source.collect()
    }

    private static func hinted(_ group: ResponseGroup) -> [[Int32]] {
        group.responses.map { response in Array(zip(response.tokens, response.roles).prefix { $1 == .forced }.map(\.0)) }
    }

    /// Groups in which somebody succeeds are those of a run without hints, bit for bit; the others have been drawn behind a hint.
    @Test func hintsAreGivenToFailuresAlone() throws {
        let plain = try Self.rollout(Self.scene())
        let scene = try Self.scene { $0.tokens.hints = [0, 0.5, 0.8] }
        let environment = try scene.0.spec.tokenEnvironment
        let rollout = try Self.rollout(scene)
        try rollout.validate(scene.0.shape)
        let (before, after) = (Set(plain.groups), rollout.groups)
        #expect(after.count == 32 && Set(after.map(\.task)) == Set(plain.groups.map(\.task)))
        var lengths: Set<Int> = []
        for group in after {
            let hints = Self.hinted(group)
            let shown = try #require(environment.demonstration(environment.task(group.task), choice: 0))
            #expect(group.responses.count == 4 && Set(hints).count == 1 && shown.starts(with: hints[0]))
            lengths.insert(hints[0].count)
            if hints[0].isEmpty {
                #expect(before.contains(group) && group.responses.contains(where: \.isCorrect))
            } else {
                #expect(before.contains { $0.task == group.task && !$0.responses.contains(where: \.isCorrect) })
                // What nobody drew has no probability and is not counted as drawn.
                #expect(group.responses.allSatisfy { $0.logProbs.prefix(hints[0].count).allSatisfy { $0 == 0 } })
                #expect(group.drawnTokens == group.responses.reduce(0) { $0 + $1.tokens.count - hints[0].count })
            }
        }
        #expect(lengths.isSuperset(of: [0, 1]))
        #expect(rollout.frames == after.reduce(0) { $0 + $1.drawnTokens })
    }

    /// The same hints give the same rollouts, and a hint from the beginning on is every response's.
    @Test func hintsArePureFunctions() throws {
        func rollouts() throws -> [Rollout] {
            let scene = try Self.scene {
                ($0.tokens.hints, $0.tokens.changes, $0.tokens.groups) = ([0.5, 0.8], .goOn, 3)
                ($0.method.id, $0.method.options) = ("remax", ["responses": 4])
            }
            return try (0..<6).map { _ in
                let rollout = try Self.rollout(scene)
                _ = try scene.0.update([rollout])
                return rollout
            }
        }
        let first = try rollouts()
        #expect(try rollouts().map(\.groups) == first.map(\.groups))
        for group in first.flatMap(\.groups) {
            #expect(Self.hinted(group).allSatisfy { !$0.isEmpty } && group.responses.contains(where: \.isBaseline))
        }
    }

    @Test func theRecordSaysHowOftenAHintWasNeeded() throws {
        let scene = try Self.scene { $0.tokens.hints = [0, 0.5] }
        let rollout = try Self.rollout(scene)
        let share = Float(rollout.groups.count { !Self.hinted($0)[0].isEmpty }) / 32
        let report = try scene.0.update([rollout])
        #expect(Dictionary(uniqueKeysWithValues: report.metrics)["hinted_share"] == share && share > 0)
        // Who needed a hint has not solved the task.
        let alone = rollout.groups.filter { Self.hinted($0)[0].isEmpty }.flatMap(\.responses).count(where: \.isCorrect)
        #expect(report.episodeReturns.reduce(0, +) == Float(alone) && report.episodeReturns.count == 128)
        #expect(rollout.groups.flatMap(\.responses).count(where: \.isCorrect) > alone)
    }

    /// A hint ends neither inside of a tool's reply nor between a call and its reply.
    @Test func repliesOfToolsAreWhole() throws {
        for share in stride(from: 0.1, through: 1, by: 0.1) {
            let scene = try Self.scene {
                ($0.environment.id, $0.environment.options) = ("key-chain", [:])
                ($0.tokens.hints, $0.warmup.updates) = ([share], 0)
            }
            let environment = try scene.0.spec.tokenEnvironment
            var calls = 0
            for group in try Self.rollout(scene).groups {
                let task = environment.task(group.task)
                guard let shown = environment.demonstration(task, choice: 0) else { continue }
                let response = group.responses[0]
                let given = response.roles.prefix { $0 != .policy }
                #expect(shown.starts(with: response.tokens.prefix(given.count)) && given.count < shown.count)
                for (place, token) in response.tokens.prefix(given.count).enumerated() where token == environment.vocabulary.stop {
                    guard case .reply(let reply) = try environment.turn(task, response.tokens[...place]) else {
                        Issue.record("a call without a reply")
                        continue
                    }
                    let end = place + 1 + reply.count
                    #expect(end <= given.count && Array(response.tokens[(place + 1)..<end]) == reply)
                    #expect(response.roles[(place + 1)..<end].allSatisfy { $0 == .environment })
                    calls += 1
                }
            }
            #expect(share < 0.7 || calls > 0)
        }
    }

    @Test(arguments: [
        ("tokens.hints=[0.5, 0.5]", "ascending"), ("tokens.hints=[-0.1]", "from 0 to 1"), ("tokens.hints=[1.5]", "from 0 to 1"),
        ("tokens.replayed_successes=-1", "from 0 to 1024"), ("tokens.replayed_lag=-1", "from 0"),
    ]) func valuesThatCannotBeAreRefused(_ setting: String, _ allowed: String) {
        let error = #expect(throws: RunSpecError.self) { try RunSpec.load("addition", overrides: [setting]) }
        #expect(error?.problem.contains(allowed) == true, "\(String(describing: error))")
    }

    @Test(arguments: [("addition", "t-ppo"), ("addition", "spo-tree"), ("lock", "grpo")])
    func hintsNeedAPlaceAndADemonstration(_ environment: String, _ method: String) throws {
        let error = try refusal(environment, method, environment == "lock" ? ["demonstrated": 0] : [:]) { $0.hints = [0.5] }
        #expect(error?.hasPrefix("tokens.hints is [0.5]") == true && error?.contains(environment == "addition" ? method : environment) == true)
    }

    @Test(arguments: ["spo", "t-ppo", "spo-chain"]) func replaysNeedAPlace(_ method: String) throws {
        let error = try refusal("addition", method) { $0.replayedSuccesses = 2 }
        #expect(error?.hasPrefix("tokens.replayed_successes is 2") == true && error?.contains(method) == true)
    }

    private func refusal(
        _ environment: String, _ method: String, _ options: [String: Double] = [:], _ edit: (inout TokensSection) -> Void
    ) throws -> String? {
        var spec = RunSpec()
        spec.environment.options = options
        (spec.environment.id, spec.method.id) = (environment, method)
        _ = try TokenTrainer(spec)
        edit(&spec.tokens)
        return #expect(throws: RunSpecError.self) { try TokenTrainer(spec) }?.problem
    }
}
