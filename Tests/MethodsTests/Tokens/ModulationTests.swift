import Methods
import Rollouts
import TestSupport
import Testing

/// Rewards and advantages that are changed before the loss: EMPG (S129), SEED-GRPO (S141), the unlikeliness reward (S201), APO (S211).
@Suite struct ModulationTests {
    /// Responses of several turns: policy tokens with tokens of the environment between.
    private func conversations() -> [ResponseGroup] {
        let roles: [[TokenRole]] = [
            [.policy, .policy, .environment, .policy, .environment, .environment, .policy, .policy], [.policy, .environment, .policy],
            [.policy, .policy, .policy], [.environment, .policy, .environment],
        ]
        let responses = roles.enumerated().map { index, roles -> GroupResponse in
            var one = TokenGroups.response(index % 2 == 0 ? 1 : 0, length: roles.count)
            one.roles = roles
            return one
        }
        return [ResponseGroup(task: 0, prompt: [0], responses: responses)]
    }

    @Test func turns() {
        let work = TokenGroups.work(conversations())
        #expect((0..<4).map { EntropyModulation.turns(of: $0, work) } == [[[0, 1], [3], [6, 7]], [[8], [10]], [[11, 12, 13]], [[15]]])
    }

    @Test func withoutStrengthItIsCentredGRPO() throws {
        let (plain, work) = (
            TokenGroups.work(conversations(), for: .grpo()),
            TokenGroups.work(conversations(), for: try tokenMethod("empg", ["scaling": 0, "bonus": 0]))
        )
        let turns = (0..<4).flatMap { EntropyModulation.turns(of: $0, plain) }
        let mean = turns.reduce(0) { $0 + plain.advantage[$1[0]] } / Float(turns.count)
        for token in turns.joined() { #expect(abs(work.advantage[token] - (plain.advantage[token] - mean)) < 1e-6) }
    }

    @Test func modulation() throws {
        let method = try tokenMethod("empg", ["scaling": 2, "clarity": 3, "bonus": 0.1])
        var work = TokenGroups.work(conversations())
        method.stages[0].apply(&work)
        let before = work.advantage
        method.stages[1].apply(&work)
        // Written out in double precision.
        let turns = (0..<4).map { EntropyModulation.turns(of: $0, work) }
        let entropies = turns.map { $0.map { turn in turn.reduce(0.0) { $0 + Double(work.entropy[$1]) } / Double(turn.count) } }
        let (least, greatest) = (entropies.joined().min()!, entropies.joined().max()!)
        let h = entropies.map { $0.map { ($0 - least) / (greatest - least) } }
        let gains = h.map { $0.map { expOf(-2 * $0) } }
        let gain = gains.joined().reduce(0, +) / Double(gains.joined().count)
        var expected = turns.indices.map { r in
            turns[r].indices.map { k in
                Double(before[turns[r][k][0]]) * gains[r][k] / gain + (k + 1 < turns[r].count ? 0.1 * expOf(-3 * h[r][k + 1]) : 0)
            }
        }
        let mean = expected.joined().reduce(0, +) / Double(expected.joined().count)
        expected = expected.map { $0.map { $0 - mean } }
        for r in turns.indices {
            for k in turns[r].indices { for token in turns[r][k] { #expect(abs(Double(work.advantage[token]) - expected[r][k]) < 1e-5) } }
        }
        let told = EntropyModulation.gains(EntropyModulation.normalized([0.3, 1.2, 0.1, 2]), 2)
        #expect(abs(told.reduce(0, +) / 4 - 1) < 1e-6)
        // What is added to every entropy changes nothing.
        var shifted = TokenGroups.work(conversations())
        shifted.entropy = shifted.entropy.map { $0 + 3 }
        method.prepare(&shifted)
        #expect(distance(shifted.advantage, work.advantage) < 1e-4)
    }

    private func answered(_ answers: [Int32]) -> [ResponseGroup] {
        var group = TokenGroups.group([1, 0, 1, 0])
        for (index, answer) in answers.enumerated() { group.responses[index].answer = answer }
        return [group]
    }

    @Test func disagreement() throws {
        let plain = TokenMethod.grpo(scale: .none)
        let agreed = answered([3, 3, 3, 3])
        #expect(try tokenMethod("seed-grpo").gradient(of: agreed) == plain.gradient(of: agreed))
        for answers: [Int32] in [[0, 1, 2, 3], [-1, -1, -1, -1]] {
            #expect(distance(try tokenMethod("seed-grpo").gradient(of: answered(answers)), [Float](repeating: 0, count: 12)) < 1e-6)
        }
        /// What multiplies the advantages of ½ and −½.
        func factor(_ options: [String: Double]) throws -> Double {
            2 * Double(TokenGroups.work(answered([5, 5, 6, 7]), for: try tokenMethod("seed-grpo", options)).advantage[0])
        }
        let entropy = (0.5 * logOf(2) + 0.5 * logOf(4)) / logOf(4)
        #expect(try abs(factor([:]) - (1 - entropy)) < 1e-5 && abs(factor(["alpha": 0.5]) - (1 - entropy / 2)) < 1e-5)
        #expect(abs(try factor(["exponential": 1]) - expOf(-entropy)) < 1e-5)
        let published = (logOf(2) + 2 * logOf(4)) / 3 / logOf(4)
        #expect(abs(try factor(["published": 1]) - (1 - published)) < 1e-5)
        // By probability: equal ones give the same, and a response that nobody would give counts for nothing.
        #expect(abs(try factor(["by_probability": 1]) - (1 - entropy)) < 1e-5)
        var rare = answered([5, 5, 5, 7])
        rare[0].responses[3].logProbs = [-20, -20, -20]
        let damped = TokenGroups.work(rare, for: try tokenMethod("seed-grpo", ["by_probability": 1]))
        #expect(abs(damped.advantage[0] - 0.5) < 1e-5)
    }

    @Test func unlikelyAnswers() throws {
        let rewards: [Float] = [1, 1, 0, 1]
        var group = TokenGroups.group(rewards)
        for (index, logProb) in ([-0.5, -2, -1, -3] as [Float]).enumerated() { group.responses[index].logProbs = [logProb, logProb, logProb] }
        let work = TokenGroups.work([group], for: try tokenMethod("unlikeliness", ["unlikeliness": 0.4]))
        // From the least likely on: the fourth, the second, the third, the first.
        #expect(distance(work.reward, [1 - 0.4 * 3 / 4, 1 - 0.4 / 4, 0, 1]) < 1e-6)
        // By the mean over tokens: length does not matter.
        group.responses[1].tokens += [0, 0, 0]
        group.responses[1].logProbs += [-2, -2, -2]
        group.responses[1].roles += [.policy, .policy, .policy]
        group.responses[1].versions += [0, 0, 0]
        #expect(TokenGroups.work([group], for: try tokenMethod("unlikeliness", ["unlikeliness": 0.4])).reward == work.reward)
        let groups = TokenGroups.random(seed: 12)
        #expect(try tokenMethod("unlikeliness", ["unlikeliness": 0, "beta": 0]).gradient(of: groups) == TokenMethod.grpo().gradient(of: groups))
        // One that is correct: the same sign, since the scale is taken out by the deviation.
        let (one, plain) = (
            TokenGroups.work([TokenGroups.group([0, 1, 0])], for: try tokenMethod("unlikeliness")),
            TokenGroups.work([TokenGroups.group([0, 1, 0])], for: .grpo())
        )
        #expect(distance(one.advantage, plain.advantage) < 1e-5)
    }

    @Test func asymmetry() throws {
        #expect(abs(AsymmetricShaping.divergenceWeight(difficulty: 0.5) - 0.743) < 1e-3)
        #expect(AsymmetricShaping.divergenceWeight(difficulty: 0) == 1 && AsymmetricShaping.divergenceWeight(difficulty: 1) == 1)
        let even = (0..<3).map { TokenGroups.group([1, 0, 0, 1], task: UInt32($0), length: 3 + $0) }
        #expect(try tokenMethod("asymmetric-apo", ["beta": 0]).gradient(of: even) == TokenMethod.grpo().gradient(of: even))
        // Correct ones of 2 and 4 tokens; wrong ones of 3 (no longer) and 8 (5 longer).
        let lengths: [(Float, Int)] = [(1, 2), (1, 4), (0, 3), (0, 8)]
        let group = ResponseGroup(task: 0, prompt: [0], responses: lengths.map { TokenGroups.response($0.0, length: $0.1) })
        let work = TokenGroups.work([group], for: try tokenMethod("asymmetric-apo", ["length_base": 1.01]))
        let plain = TokenGroups.work([group], for: .grpo())
        let factor = Float(2 - 1 / powerOf(1.01, 5))
        for token in 0..<17 { #expect(abs(work.advantage[token] - plain.advantage[token] * (token >= 9 ? factor : 1)) < 1e-5) }
        #expect(distance(work.divergenceWeight, [0.7431, 0.7431, 1, 1]) < 1e-3)
        // Nobody was right: there is no length to compare with.
        let wrong = [ResponseGroup(task: 0, prompt: [0], responses: [(0, 2), (0.5, 9)].map { TokenGroups.response($0.0, length: $0.1, correct: false) })]
        #expect(TokenGroups.work(wrong, for: try tokenMethod("asymmetric-apo")).advantage == TokenGroups.work(wrong, for: .grpo()).advantage)
    }
}
