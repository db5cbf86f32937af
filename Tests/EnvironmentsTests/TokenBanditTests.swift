import Environments
import Testing

@Suite struct TokenBanditTests {
    private let table = BanditTable(contexts: 3, arms: 4, seed: 5)
    private let logits = [0.3, -1.2, 0.8, 0, 2, 1, -3, 0.5, 0, 0, 0, 0]
    private let other = [0.1, 0.4, -0.7, 1, 0, -1, 1, 0.2, 0.6, 0, -0.4, 2]

    /// Gradients are those of the values, by central differences.
    @Test func gradientsAreThoseOfTheValues() {
        for (value, gradient) in [
            ({ table.expectedReward($0) }, table.rewardGradient(logits)), ({ table.entropy($0) }, table.entropyGradient(logits)),
            ({ table.divergence($0, from: other) }, table.divergenceGradient(logits, from: other)),
        ] as [(([Double]) -> Double, [Double])] {
            for index in logits.indices {
                var (up, down) = (logits, logits)
                up[index] += 1e-5
                down[index] -= 1e-5
                #expect(abs((value(up) - value(down)) / 2e-5 - gradient[index]) < 1e-9)
            }
        }
    }

    @Test func knownValues() {
        let even = [Double](repeating: 0.7, count: 12)
        #expect(abs(table.entropy(even) - 1.3862943611198906) < 1e-12)
        #expect(table.divergence(even, from: even) == 0 && table.divergence(logits, from: other) > 0)
        #expect(abs(table.expectedReward(even) - table.successes.reduce(0, +) / 12) < 1e-12)
        let sure = [1000.0, 0, 0, 0, 0, 1000, 0, 0, 0, 0, 1000, 0]
        #expect(table.entropy(sure) == 0 && table.divergence(sure, from: even).isFinite && table.divergence(even, from: sure) > 700)
        #expect(abs(table.expectedReward(sure) - (table.success(0, 0) + table.success(1, 1) + table.success(2, 2)) / 3) < 1e-12)
        #expect(table == BanditTable(contexts: 3, arms: 4, seed: 5) && table != BanditTable(contexts: 3, arms: 4, seed: 6))
    }

    @Test func drawsHaveTheProbabilitiesOfTheTable() throws {
        let bandit = try #require(try TokenCase(id: "token-bandit").make() as? TokenBandit)
        for (context, arm) in [(0, 0), (3, 7), (31, 15)] {
            let task = bandit.task(UInt32(context))
            let rewards = try (0..<UInt64(10_000)).map { try bandit.verify(task, [bandit.armTokens[arm]], draw: $0).reward }
            #expect(rewards.allSatisfy { $0 == 0 || $0 == 1 })
            let (mean, success) = (Double(rewards.reduce(0, +)) / 10_000, bandit.table.success(context, arm))
            #expect(abs(mean - success) < 4 * (success * (1 - success) / 10_000).squareRoot(), "context \(context), arm \(arm)")
        }
    }

    @Test func armsAreJudged() throws {
        let bandit = try #require(try TokenCase(id: "token-bandit", options: ["expected": 1]).make() as? TokenBandit)
        #expect(bandit.taskCount == 32 && bandit.armTokens.count == 16)
        for id in 0..<bandit.taskCount {
            let verdicts = try bandit.armTokens.map { try bandit.verify(bandit.task(id), [$0]) }
            #expect(verdicts.map(\.reward) == (0..<16).map { Float(bandit.table.success(Int(id), $0)) })
            #expect(verdicts.map(\.isCorrect) == (0..<16).map { $0 == bandit.table.best(Int(id)) })
            #expect(verdicts.map(\.answer) == (0..<16).map { Int32($0) })
        }
        for nonsense in [[], [0], [1], [40], [2, 2], [2, 0, 0], [64]] as [[Int32]] {
            #expect(try bandit.verify(bandit.task(0), nonsense[...]) == Verdict(reward: 0, isCorrect: false))
        }
        #expect(try bandit.verify(bandit.task(0), [2, 0]) == bandit.verify(bandit.task(0), [2]))
        #expect(Set((0..<16).map { bandit.demonstration(bandit.task(9), choice: $0)! }).count == 16)
    }
}
