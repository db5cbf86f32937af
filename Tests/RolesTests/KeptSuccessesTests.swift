import Acting
import Learning
import Networks
import Rollouts
import Runs
import Testing
import Wire

/// Successes that come back into groups of failures.
@Suite struct KeptSuccessesTests {
    private static func plan(_ count: Int, lag: Int = 100) -> GroupPlan {
        var plan = GroupPlan()
        (plan.replayedSuccesses, plan.replayedLag) = (count, lag)
        return plan
    }

    private static func response(_ token: Int32, version: UInt64 = 1, correct: Bool = false, source: DataSource = .live) -> GroupResponse {
        GroupResponse(
            tokens: [token, 0], logProbs: [-0.5, -0.25], versions: [version, version], roles: [.policy, .policy], rewards: [correct ? 1 : 0],
            isCorrect: correct, source: source)
    }

    private static func group(_ task: UInt32, _ responses: [GroupResponse], prompt: [Int32] = [1, 2]) -> ResponseGroup {
        ResponseGroup(task: task, prompt: prompt, responses: responses)
    }

    @Test func aGroupOfFailuresGetsOneBack() {
        var kept = KeptSuccesses(Self.plan(2))
        kept.keep([Self.group(3, [Self.response(5, version: 4), Self.response(6, version: 4, correct: true)])], version: 5)
        #expect(kept.count == 1)
        let failures = Self.group(3, [Self.response(7, version: 9), Self.response(8, version: 9)])
        var groups = [failures, Self.group(4, failures.responses), Self.group(3, [Self.response(7), Self.response(9, correct: true)])]
        let before = groups
        #expect(kept.giveBack(into: &groups, seed: 1, version: 9) == [5])
        // It has its own log-probabilities and versions; nothing else has changed.
        var expected = Self.response(6, version: 4, correct: true)
        expected.source = .replay
        #expect(groups[0].responses == [expected, failures.responses[1]])
        #expect(Array(groups[1...]) == Array(before[1...]))
    }

    /// Neither what was not drawn for this update nor what was not judged is kept; the latest stay.
    @Test func theLatestFreshOnesAreKept() {
        var kept = KeptSuccesses(Self.plan(2))
        var baseline = Self.response(5, correct: true)
        baseline.isBaseline = true
        var unverified = Self.response(5, correct: true)
        unverified.end = .unverified
        var forced = Self.response(5, correct: true)
        forced.roles = [.forced, .forced]
        kept.keep(
            [Self.group(1, [baseline, unverified, forced, Self.response(5, correct: true, source: .replay), Self.response(5, correct: true, source: .dataset)])],
            version: 2)
        #expect(kept.count == 0)
        for token in 5...8 { kept.keep([Self.group(1, [Self.response(Int32(token), correct: true)])], version: 2) }
        #expect(kept.count == 2)
        var seen: Set<Int32> = []
        for version in 2...40 {
            var groups = [Self.group(1, [Self.response(9)])]
            #expect(kept.giveBack(into: &groups, seed: 1, version: UInt64(version)).count == 1)
            seen.insert(groups[0].responses[0].tokens[0])
        }
        #expect(seen == [7, 8])
    }

    @Test func whatIsTooOldOrOfAnotherTaskStaysAway() {
        var kept = KeptSuccesses(Self.plan(4, lag: 10))
        kept.keep([Self.group(1, [Self.response(5, version: 3, correct: true)])], version: 4)
        for (version, lags) in [(UInt64(13), [UInt64(10)]), (14, [])] {
            var groups = [Self.group(1, [Self.response(9)])]
            #expect(kept.giveBack(into: &groups, seed: 1, version: version) == lags)
        }
        // The environment's options have changed: the number is another prompt's now.
        var other = [Self.group(1, [Self.response(9)], prompt: [4])]
        #expect(kept.giveBack(into: &other, seed: 1, version: 5).isEmpty)
        #expect(kept.columns(version: 14).isEmpty && !kept.columns(version: 13).isEmpty)
    }

    @Test func theyComeBackFromTheFile() throws {
        var kept = KeptSuccesses(Self.plan(3))
        for token in 5...8 { kept.keep([Self.group(UInt32(token % 2), [Self.response(Int32(token), version: 2, correct: true)])], version: 7) }
        let file = try Safetensors.decode(Safetensors.encode(kept.columns(version: 7)), place: "a file")
        var restored = KeptSuccesses(Self.plan(3))
        try restored.restore(file.columns, version: 7)
        #expect(restored.count == 4)
        for version in 7...30 {
            var groups = [[Self.group(0, [Self.response(9)])], [Self.group(0, [Self.response(9)])]]
            #expect(kept.giveBack(into: &groups[0], seed: 3, version: UInt64(version)) == [UInt64(version) - 2])
            #expect(restored.giveBack(into: &groups[1], seed: 3, version: UInt64(version)) == [UInt64(version) - 2])
            #expect(groups[0] == groups[1])
        }
        #expect(throws: (any Error).self) { try restored.restore(Array(file.columns.dropLast()), version: 7) }
    }

    // MARK: In a run

    private static func trainer(_ kept: Int) throws -> (TokenTrainer, any RolloutSource) {
        var spec = RunSpec()
        spec.environment.id = "addition"
        spec.environment.options = ["digits": 1, "tasks": 8]
        spec.method.id = "grpo"
        spec.method.options = ["responses": 2]
        spec.actors.slots = 8
        spec.tokens.replayedSuccesses = kept
        (spec.tokens.layers, spec.tokens.width, spec.tokens.heads, spec.tokens.groups) = (1, 16, 2, 4)
        (spec.warmup.updates, spec.warmup.batch, spec.warmup.learningRate) = (20, 32, 0.01)
        let trainer = try TokenTrainer(spec)
        try trainer.begin { _ in }
        return (trainer, try ActorAssignment(spec).source(place: MemberPlace(rank: 0, incarnation: 0), credits: 1))
    }

    /// What is trained on once more is in no rate and no return again, and comes back after a restart as it would have without one.
    @Test func aRunCountsEverySuccessOnce() throws {
        let (trainer, source) = try Self.trainer(4)
        var (back, record): (Float, [Rollout]) = (0, [])
        var middle: (version: UInt64, weights: [UInt8])?
        var checkpoint: TrainingCheckpoint?
        for round in 0..<40 {
            trainer.published().withBytes { source.load($0, version: trainer.version, life: 0) }
            let rollout = try source.collect()
            let drawn = rollout.groups.flatMap(\.responses)
            let report = try trainer.update([rollout])
            #expect(report.episodeReturns.reduce(0, +) == Float(drawn.count(where: \.isCorrect)) && report.episodeReturns.count == drawn.count)
            #expect(report.frames == rollout.frames)
            let metrics = Dictionary(uniqueKeysWithValues: report.metrics)
            back += metrics["replayed_successes"] ?? 0
            if let lag = metrics["replayed_lag"] { #expect(lag >= 0 && lag <= 100) }
            if round == 20 { checkpoint = TrainingCheckpoint(trainer, state: TrainingState()) }
            if round > 20 { record.append(rollout) }
            middle = (trainer.version, trainer.published().withBytes { Array($0) })
        }
        #expect(back > 3)
        let (again, _) = try Self.trainer(4)
        try again.restore(try #require(checkpoint), replay: nil)
        for rollout in record { _ = try again.update([rollout]) }
        let resumed = again.published().withBytes { Array($0) } == middle?.weights
        #expect(again.version == middle?.version && resumed)
        // Without what was kept the weights are others.
        let (without, _) = try Self.trainer(0)
        try without.restore(try #require(checkpoint), replay: nil)
        for rollout in record { _ = try without.update([rollout]) }
        let same = without.published().withBytes { Array($0) } == middle?.weights
        #expect(!same)
    }
}
