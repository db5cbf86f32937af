import Methods
import Rollouts
import TestSupport
import Testing

/// Clip-Cov and KL-Cov (S113).
@Suite struct CovarianceTests {
    /// A natural gradient step of a softmax policy changes its entropy by −η Cov(log π, A): the law that both methods are built on.
    @Test func entropyFollowsTheCovariance() {
        let counts = [20, 11, 3, 1, 9, 7, 8, 5]
        let total = counts.reduce(0, +)
        var dice = TestSupport.Dice(1)
        let advantages = counts.map { _ in Double.random(in: -1...1, using: &dice) }
        // One token for every draw, each action as often as its probability says: means over tokens are expectations.
        var work = TokenGroups.work([TokenGroups.group([Float](repeating: 1, count: total), length: 1)])
        let actions = counts.indices.flatMap { [Int](repeating: $0, count: counts[$0]) }
        work.advantage = actions.map { Float(advantages[$0]) }
        let step = TokenStep(work, logProb: actions.map { Float(logOf(Double(counts[$0]) / Double(total))) })
        let covariance = Double(step.covariances.reduce(0, +)) / Double(total)

        func entropy(_ eta: Double) -> Double {
            let weights = counts.indices.map { Double(counts[$0]) * expOf(eta * advantages[$0]) }
            let sum = weights.reduce(0, +)
            return -weights.reduce(0) { $0 + $1 / sum * logOf($1 / sum) }
        }
        for eta in [1e-2, 1e-3] {
            let change = entropy(eta) - entropy(0)
            #expect(abs(change / (-eta * covariance) - 1) < 5 * eta, "η \(eta): \(change) against \(-eta * covariance)")
        }
    }

    private func step(_ seed: UInt64 = 1, number: Int = 0) -> TokenStep {
        let work = TokenGroups.work(TokenGroups.random(6, seed: seed), for: .grpo(), seed: seed)
        var step = TokenStep(work, logProb: TokenGroups.moved(work, by: 0.5, seed: seed))
        step.number = number
        return step
    }

    /// Cov of a token by the definition, in double precision.
    private func covariances(_ step: TokenStep) -> [Double] {
        let counting = (0..<step.count).filter { step.mask[$0] > 0 }
        func mean(_ x: [Float]) -> Double { counting.reduce(0) { $0 + Double(x[$1]) } / Double(counting.count) }
        let (p, a) = (mean(step.logProb), mean(step.advantage))
        return (0..<step.count).map { step.mask[$0] > 0 ? (Double(step.logProb[$0]) - p) * (Double(step.advantage[$0]) - a) : 0 }
    }

    @Test func clippedByCovariance() {
        for seed: UInt64 in 1...5 {
            let step = step(seed)
            let term = CovarianceClip(TokenClip(low: 0.2, high: 0.2), rate: 0.05, low: 0.1, high: 1)
            let (plain, slope, left) = (term.clip.slope(step), term.slope(step), term.left(step))
            let exact = covariances(step)
            #expect(zip(exact, step.covariances).allSatisfy { abs($0 - Double($1)) < 1e-5 })
            let candidates = (0..<step.count).filter {
                step.mask[$0] > 0 && exact[$0] > 0.1 && exact[$0] < 1 && plain.logProb[$0] != 0
            }
            #expect(left.count == min(max(Int(0.05 * step.mask.reduce(0, +)), 1), candidates.count))
            #expect(Set(left).isSubset(of: candidates) && left == term.left(step))
            for token in 0..<step.count {
                let isLeft = left.contains(token)
                #expect(slope.loss[token] == (isLeft ? 0 : plain.loss[token]) && slope.logProb[token] == (isLeft ? 0 : plain.logProb[token]))
            }
        }
        // At least one; and another one in another gradient step.
        let term = CovarianceClip(rate: 1e-6, low: 0, high: 100)
        #expect((0..<10).allSatisfy { term.left(step(number: $0)).count == 1 } && Set((0..<10).map { term.left(step(number: $0))[0] }).count > 2)
    }

    @Test func heldBackByCovariance() {
        for seed: UInt64 in 1...5 {
            let step = step(seed)
            let term = CovarianceDivergence(rate: 0.1, coefficient: 2)
            let (slope, exact) = (term.slope(step), covariances(step))
            let counting = (0..<step.count).filter { step.mask[$0] > 0 }
            let chosen = Set(counting.sorted { exact[$0] > exact[$1] }.prefix(max(1, counting.count / 10)))
            #expect(chosen == Set(term.chosen(step)))
            for token in 0..<step.count {
                let x = step.logRatio(token)
                let plain = -step.ratio(token) * step.advantage[token]
                let sign: Float = chosen.contains(token) ? (x > 0 ? 2 : -2) : 0
                #expect(abs(slope.logProb[token] - (plain + sign)) < 1e-5 && abs(slope.loss[token] - (plain + sign * x)) < 1e-5)
            }
        }
    }

    @Test func withoutTokensTheyArePlain() throws {
        let groups = TokenGroups.random(seed: 7)
        var clip = TokenMethod.grpo(clip: TokenClip(low: 1, high: 1))
        clip.aggregate = .tokenMean
        #expect(try tokenMethod("clip-cov", ["rate": 0]).gradient(of: groups) == clip.gradient(of: groups))
        let grid = TokenGrid()
        for cell in grid.table(CovarianceDivergence(rate: 0)) where cell.advantage != 0 { #expect(abs(cell.phi - cell.ratio) < 1e-5 * cell.ratio) }
    }
}
