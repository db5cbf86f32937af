import Acting
import Environments
import Learning
import Networks
import Platform
import Rollouts
import Runs
import Testing
import Wire

/// What an actor with a token policy draws and ships.
@Suite struct TokenSamplerTests {
    /// A sampler of sums of one digit with a small transformer.
    private static func sampler(
        groups: Int = 2, slots: Int = 8, longest: Int = 6, _ change: (inout GroupPlan, inout SamplingSettings) -> Void = { _, _ in }
    ) throws -> TokenSampler {
        var settings = TransformerSettings(vocabulary: Vocabulary.standard.count, layers: 1, width: 16, heads: 2, context: 16)
        settings.initialDeviation = 0.5
        var sampling = SamplingSettings(longestResponse: longest)
        sampling.groups = groups
        var plan = GroupPlan(responses: 4)
        change(&plan, &sampling)
        let tokens = TokenAssignment(transformer: settings.numbers, sampling: sampling, plan: plan, guidance: 0)
        let assignment = ActorAssignment(
            environment: EnvironmentSettings("addition", options: ["digits": 1]), slots: slots, unroll: 1, seed: 7, network: NetworkSettings(),
            tokens: tokens)
        return try TokenSampler(assignment, tokens, place: MemberPlace(rank: 0, incarnation: 0))
    }

    /// Loads weights that are a function of the version.
    private static func load(_ sampler: TokenSampler, _ version: UInt64) {
        let weights = sampler.transformer.initialWeights(seed: version)
        weights.flat.withBuffer { sampler.load(UnsafeRawBufferPointer($0), version: version) }
    }

    private static func rollouts(_ sampler: TokenSampler, _ count: Int) throws -> [Rollout] {
        try (0..<count).map { index in
            load(sampler, UInt64(index + 1))
            return try sampler.collect()
        }
    }

    @Test func theSameVersionsGiveTheSameRollouts() throws {
        let (a, b) = (try Self.rollouts(try Self.sampler(), 5), try Self.rollouts(try Self.sampler(), 5))
        #expect(a.map(\.groups) == b.map(\.groups))
        #expect(a.allSatisfy { $0.groups.count == 2 && $0.groups.allSatisfy { $0.responses.count == 4 } })
        #expect(a.map(\.id.sequence) == [1, 2, 3, 4, 5])
    }

    @Test func everyRolloutIsAcceptedByTheLearner() throws {
        for rollout in try Self.rollouts(try Self.sampler(), 4) {
            let shape = ResponseShape(vocabulary: 64, context: 16, tasks: 4096, rewards: 1)
            try rollout.validate(RolloutShape(responses: shape))
        }
    }

    @Test func responsesThatGoOnKnowTheVersionOfEveryToken() throws {
        let responses = try Self.rollouts(try Self.sampler(groups: 1), 30).flatMap(\.groups).flatMap(\.responses)
        let mixed = responses.filter { Set($0.versions).count > 1 }
        #expect(!mixed.isEmpty)
        #expect(responses.allSatisfy { $0.versions == $0.versions.sorted() && $0.versions.count == $0.tokens.count })
    }

    @Test func waitingKeepsEveryResponseToOneVersion() throws {
        let sampler = try Self.sampler { $1.changes = .wait }
        for (index, rollout) in try Self.rollouts(sampler, 6).enumerated() {
            #expect(rollout.groups.flatMap(\.responses).flatMap(\.versions).allSatisfy { $0 == UInt64(index + 1) })
        }
    }

    @Test func droppingBeginsAnew() throws {
        let responses = try Self.rollouts(try Self.sampler(groups: 1) { $1.changes = .drop }, 30).flatMap(\.groups).flatMap(\.responses)
        #expect(responses.allSatisfy { Set($0.versions).count <= 1 })
    }

    /// Every token takes one slot of one step; who waits for the longest response leaves slots idle.
    @Test func decodingStepsAreCounted() throws {
        func work(_ changes: SamplingSettings.Changes, groups: Int = 2, count: Int = 12) throws -> (rollouts: [Rollout], all: DecodingWork) {
            let rollouts = try Self.rollouts(try Self.sampler(groups: groups, longest: 9) { $1.changes = changes }, count)
            return (rollouts, rollouts.reduce(DecodingWork()) { $0 + $1.responses!.work })
        }
        let (waiting, going) = (try work(.wait), try work(.goOn))
        for rollout in waiting.rollouts {
            let work = rollout.responses!.work
            #expect(work.busySlots == rollout.frames && work.slots == 8 * work.steps)
            #expect(work.steps == rollout.groups.flatMap(\.responses).map(\.tokens.count).max())
        }
        // Those that are not finished have taken slots as well.
        let shipped = going.rollouts.reduce(0) { $0 + $1.frames }
        #expect((shipped...shipped + 4 * 8 * 9).contains(going.all.busySlots))
        #expect(try #require(going.all.utilisation) > 0.99)
        #expect(try #require(waiting.all.utilisation) < 0.99 && waiting.all.steps > going.all.steps)
        // What is thrown away has been drawn: more than may be under way at the end.
        let dropping = try work(.drop, groups: 1, count: 60)
        #expect(dropping.all.busySlots > dropping.rollouts.reduce(0) { $0 + $1.frames } + 8 * 9)
    }

    @Test func groupsWithEqualRewardsAreLeftOut() throws {
        let groups = try Self.rollouts(try Self.sampler { plan, _ in (plan.leavesOutEqual, plan.mostLeftOut) = (true, 3) }, 6).flatMap(\.groups)
        // An untrained policy is wrong all the time: only the limit lets its groups through.
        #expect(groups.allSatisfy { $0.leftOut.groups == 3 || Set($0.responses.map(\.reward)).count > 1 })
        #expect(groups.contains { $0.leftOut.groups == 3 })
        #expect(groups.allSatisfy { $0.leftOut.responses == $0.leftOut.groups * UInt32($0.responses.count) && $0.leftOut.correct == 0 })
    }

    @Test func aGreedyBaselineStandsBesideTheDraws() throws {
        let groups = try Self.rollouts(try Self.sampler { plan, _ in plan.greedyBaseline = true }, 3).flatMap(\.groups)
        #expect(groups.allSatisfy { $0.responses.count == 5 && $0.responses.count(where: \.isBaseline) == 1 })
    }

    @Test func demonstrationsAreForcedAndCorrect() throws {
        for group in try Self.rollouts(try Self.sampler { plan, _ in plan.demonstrations = 1 }, 3).flatMap(\.groups) {
            let shown = try #require(group.responses.first { $0.source == .dataset })
            #expect(shown.isCorrect && shown.roles.allSatisfy { $0 == .forced })
            #expect(group.responses.count == 4)
        }
    }

    /// The parts of a response that windows ship make the whole response, each token once.
    @Test func windowsShipEveryTokenOnce() throws {
        let sampler = try Self.sampler(longest: 9) { plan, _ in (plan.window, plan.responses) = (2, 1) }
        var known: [[Int32]: Int] = [:]
        var open: [UInt32: [Int32]] = [:]
        for group in try Self.rollouts(sampler, 40).flatMap(\.groups) {
            let response = group.responses[0]
            let before = open[group.task] ?? []
            #expect(response.firstOwnToken == before.count && Array(response.tokens.prefix(before.count)) == before)
            open[group.task] = response.end == .open ? response.tokens : nil
            known[response.tokens, default: 0] += 1
        }
        #expect(known.count > 5)
    }

    @Test func chainsBranchWhereTheirParentsWereUnsure() throws {
        let plan = GroupPlan.Forks.chain(interval: 2, threshold: 0.9, samples: 3)
        for group in try Self.rollouts(try Self.sampler { one, _ in (one.forks, one.responses) = (plan, 2) }, 3).flatMap(\.groups) {
            let roots = group.responses.filter { $0.parent < 0 }
            #expect(roots.count == 2)
            for (index, root) in group.responses.enumerated() where root.parent < 0 {
                let cuts = GroupPlan.Forks.cuts(logProbs: root.logProbs, roles: root.roles, interval: 2, threshold: 0.9)
                let forks = group.responses.filter { $0.parent == Int32(index) }
                #expect(forks.map(\.firstOwnToken).sorted() == cuts.flatMap { Array(repeating: $0, count: 3) })
                for fork in forks {
                    #expect(Array(fork.tokens.prefix(fork.firstOwnToken)) == Array(root.tokens.prefix(fork.firstOwnToken)))
                }
            }
        }
    }

    @Test func treesHaveOneResponseForEveryEdge() throws {
        let plan = GroupPlan.Forks.tree(widths: [2, 3], tokens: 2)
        for group in try Self.rollouts(try Self.sampler { one, _ in one.forks = plan }, 3).flatMap(\.groups) {
            #expect(group.responses.count(where: { $0.parent < 0 }) == 2)
            #expect(group.responses.count <= 6)
            for fork in group.responses where fork.parent >= 0 {
                let parent = group.responses[Int(fork.parent)]
                #expect(fork.firstOwnToken == 2 && Array(parent.tokens.prefix(2)) == Array(fork.tokens.prefix(2)))
            }
        }
    }

    @Test func aLearnerOfAnotherCurriculumIsRefused() throws {
        var tokens = TokenAssignment(
            transformer: TransformerSettings(vocabulary: 64, layers: 1, width: 16, heads: 2, context: 16).numbers,
            sampling: SamplingSettings(longestResponse: 4), plan: GroupPlan(), guidance: 5)
        tokens.sampling.tasks = .levels
        let assignment = ActorAssignment(
            environment: EnvironmentSettings("addition"), slots: 8, unroll: 1, seed: 7, network: NetworkSettings(), tokens: tokens)
        #expect(throws: TokenTaskError.self) { try TokenSampler(assignment, tokens, place: MemberPlace(rank: 0, incarnation: 0)) }
    }

    /// 1 − C(n − c, k) / C(n, k), by hand for n = 4.
    @Test func passRatesAreTheUnbiasedEstimates() {
        func group(_ correct: Int) -> ResponseGroup {
            ResponseGroup(
                task: UInt32(correct), prompt: [1],
                responses: (0..<4).map {
                    GroupResponse(tokens: [1], logProbs: [-1], versions: [0], roles: [.policy], rewards: [0], isCorrect: $0 < correct)
                })
        }
        let result = ResponseEvaluationResult(groups: [group(0), group(1), group(4)])
        let expected: [(k: Int, rate: Double)] = [(1, 1.25 / 3), (2, 0.5), (4, 2.0 / 3)]
        for (k, rate) in expected { #expect(abs(result.passRate(at: k) - rate) < 1e-12) }
    }
}
