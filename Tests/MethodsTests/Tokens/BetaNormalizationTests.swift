import Methods
import Rollouts
import Testing

/// BNPO (S208).
@Suite struct BetaNormalizationTests {
    @Test func density() {
        for (alpha, beta) in [(1, 1), (1.5, 1.5), (2, 5), (3.3, 1.2)] as [(Double, Double)] {
            let count = 20000
            let sum = (0..<count).reduce(0) { $0 + BetaNormalization.density((Double($1) + 0.5) / Double(count), alpha, beta) } / Double(count)
            #expect(abs(sum - 1) < 1e-4)
        }
        #expect(abs(BetaNormalization.density(0.5, 1, 1) - 1) < 1e-12)
        for p in [0.1, 0.5, 0.8] { #expect(abs(BetaNormalization.density(p, 1.5, 1.5) - 8 / Double.pi * (p * (1 - p)).squareRoot()) < 1e-10) }
    }

    @Test func fit() {
        let means: [Float] = [0.125, 0.25, 0.5, 0.375]
        let (m, v) = (0.3125, (0.1875 * 0.1875 + 0.0625 * 0.0625 + 0.1875 * 0.1875 + 0.0625 * 0.0625) / 3)
        let s = m * (1 - m) / v - 1
        let (alpha, beta) = BetaNormalization.fit(means)
        #expect(abs(alpha - (1 + s * m / 3)) < 1e-4 && abs(beta - (1 + s * (1 - m) / 3)) < 1e-4)
        // Nothing to fit, and more spread than any Beta distribution has.
        #expect(BetaNormalization.fit([0.5]) == (1, 1) && BetaNormalization.fit([0.5, 0.5]) == (1, 1) && BetaNormalization.fit([0, 1]) == (1, 1))
    }

    private func groups(_ counts: [Int], of size: Int) -> [ResponseGroup] {
        counts.enumerated().map { task, correct in TokenGroups.group((0..<size).map { $0 < correct ? 1 : 0 }, task: UInt32(task), length: 1) }
    }

    @Test func flatFitIsREINFORCEWithABaseline() {
        let groups = groups([4, 4], of: 8)
        #expect(TokenGroups.work(groups, for: .bnpo()).advantage == TokenGroups.work(groups, for: .reinforceTokens()).advantage)
    }

    @Test func advantagesAreDividedByTheDensity() {
        let groups = groups([1, 2, 4, 3, 8, 0], of: 8)
        let work = TokenGroups.work(groups, for: .bnpo())
        let (alpha, beta) = BetaNormalization.fit([0.125, 0.25, 0.5, 0.375, 1, 0])
        for (token, advantage) in work.advantage.enumerated() {
            let p = [0.125, 0.25, 0.5, 0.375, 1, 0][token / 8]
            let expected = p == 0 || p == 1 ? 0 : (Double(work.batch.rewards[token]) - p) / BetaNormalization.density(p, alpha, beta)
            #expect(abs(Double(advantage) - expected) < 1e-4 * max(1, abs(expected)))
        }
        let told = Dictionary(uniqueKeysWithValues: work.metrics.map { ($0.name, Double($0.value)) })
        #expect(abs(told["beta_alpha"]! - alpha) < 1e-5 && abs(told["beta_beta"]! - beta) < 1e-5)
        var bounded = TokenGroups.work(groups)
        BetaNormalization(largest: 1).apply(&bounded)
        #expect(zip(bounded.advantage, work.advantage).allSatisfy { abs($0) <= abs($1) + 1e-6 && abs($0) <= 1 })
    }

    /// Success rates ¼, ½, ¾: m = ½ and v = 1/16, so s = 3, α = β = 3/2, and π/8 of GRPO with the population's deviation.
    @Test func halfwayItIsGRPO() {
        let (alpha, beta) = BetaNormalization.fit([0.25, 0.5, 0.75])
        #expect(abs(alpha - 1.5) < 1e-6 && abs(beta - 1.5) < 1e-6)
        let work = TokenGroups.work(groups([1, 2, 3], of: 4), for: .bnpo())
        for (token, advantage) in work.advantage.enumerated() {
            let p = [0.25, 0.5, 0.75][token / 4]
            let grpo = (Double(work.batch.rewards[token]) - p) / (p * (1 - p)).squareRoot()
            #expect(abs(Double(advantage) - Double.pi / 8 * grpo) < 1e-5)
        }
    }

    @Test func partsAreAdded() {
        var groups = [TokenGroups.group([1, 0, 2, 0], length: 1), TokenGroups.group([0, 1, 1, 1], task: 1, length: 1)]
        let parts: [[[Float]]] = [[[1, 0], [0, 0], [1, 1], [0, 0]], [[0, 0], [1, 0], [0, 1], [0, 1]]]
        for group in 0..<2 { for response in 0..<4 { groups[group].responses[response].rewards += parts[group][response] } }
        let work = TokenGroups.work(groups, for: .bnpo(credit: BetaNormalization(decomposes: true)))
        var expected = [Float](repeating: 0, count: 8)
        for part in 0..<2 {
            let single = (0..<2).map { group in TokenGroups.group(parts[group].map { $0[part] }, task: UInt32(group), length: 1) }
            for (place, advantage) in TokenGroups.work(single, for: .bnpo()).advantage.enumerated() { expected[place] += advantage }
        }
        #expect(work.advantage == expected)
    }
}
