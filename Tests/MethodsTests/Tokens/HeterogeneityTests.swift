import Methods
import Rollouts
import TestSupport
import Testing

/// HAPO (S110).
@Suite struct HeterogeneityTests {
    /// Equal entropies and equal lengths: DAPO's loss; the deviation is the population's here and the sample's there.
    @Test func homogeneousIsDAPO() throws {
        let rewards: [[Float]] = [[1, 0, 0, 1, 0], [0, 0, 1, 0, 0]]
        let groups = rewards.enumerated().map { TokenGroups.group($0.element, task: UInt32($0.offset), length: 4) }
        var dapo = TokenMethod.grpo(clip: TokenClip(low: 0.2, high: 0.2, dual: 10))
        dapo.aggregate = .tokenMean
        let plain = dapo.gradient(of: groups)
        let found = try tokenMethod("hapo").gradient(of: groups) { $0.entropy = [Float](repeating: 0.7, count: $0.batch.count) }
        let factor = Float((5.0 / 4).squareRoot())
        #expect(distance(found, plain.map { factor * $0 }) < 1e-6 && plain.contains { $0 != 0 })
    }

    private func work(_ change: (inout TokenHeterogeneity) -> Void = { _ in }, entropies: [Float]) -> TokenWork {
        var stage = TokenHeterogeneity()
        change(&stage)
        var work = TokenGroups.work([TokenGroups.group([1, 0], length: entropies.count / 2)])
        work.entropy = entropies
        stage.apply(&work)
        return work
    }

    /// Log entropies 0 … 10 in order: the pivot is the 0.8-quantile, 8; each side is scaled by itself and keeps its sign.
    @Test func signedEntropies() {
        let logs: [Double] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 8]
        let entropies = logs.map { Float(expOf($0)) }
        let signed = work(entropies: entropies)
        // The 12 numbers sorted: …, 7, 8, 8, 9, 10; place 0.8 · 11 = 8.8 lies between the two eights.
        let expected = logs.map { Float($0 > 8 ? ($0 - 8) / 2 : ($0 - 8) / 8) }
        let found = signed.signals["heterogeneity"]!
        #expect(distance(found, expected) < 1e-5 && found.min()! >= -1 && found.max()! <= 1)
        for (token, x) in found.enumerated() {
            #expect(abs(signed.lowerBound[token] - (1 - 0.2 * (x <= 0 ? 1 - x : 1))) < 1e-6)
            #expect(abs(signed.upperBound[token] - (1 + 0.2 * (x > 0 ? 1 + x : 1))) < 1e-6)
        }
        // The released code's slip: low entropies count as high ones, and the branches for low ones never come into play.
        let slipped = work({ $0.isSigned = false }, entropies: entropies)
        #expect(distance(slipped.signals["heterogeneity"]!, expected.map { abs($0) }) < 1e-5)
    }

    @Test func redistribution() {
        for x: Float in [0.5, -0.5] {
            var grid = TokenGrid([0.75, 0.93, 1, 1.08, 1.25], [1, -1])
            let (low, high): (Float, Float) = x > 0 ? (0.8, 1.3) : (0.7, 1.2)
            grid.change { work in
                work.signals["heterogeneity"] = work.advantage.map { _ in x }
                work.lowerBound = work.advantage.map { _ in low }
                work.upperBound = work.advantage.map { _ in high }
            }
            for cell in grid.table(RedistributedClip()) {
                // The band: half as wide as the clip.
                let isInside = cell.ratio > 1 - (1 - low) / 2 && cell.ratio < 1 + (high - 1) / 2
                let factor: Float = x > 0 ? (isInside ? 1 : 1.5) : (isInside ? 0.5 : 1)
                let isClipped = cell.advantage > 0 ? cell.ratio > high : cell.ratio < low
                #expect(abs(cell.phi - (isClipped ? 0 : factor * cell.ratio)) < 1e-5, "hh \(x), r \(cell.ratio), A \(cell.advantage)")
            }
        }
    }

    @Test func advantagesWeighTokens() {
        // One token of reward 1 and three of reward 0: mean ¼, deviation √(3/16).
        let group = ResponseGroup(task: 0, prompt: [0], responses: [TokenGroups.response(1, length: 1), TokenGroups.response(0, length: 3)])
        var work = TokenGroups.work([group])
        TokenHeterogeneity().apply(&work)
        let deviation = Float((3.0 / 16).squareRoot())
        #expect(distance(work.advantage, [0.75 / deviation, -0.25 / deviation, -0.25 / deviation, -0.25 / deviation]) < 1e-4)
        // One of 60: that would be more than 5, so the group is GRPO's.
        let odd = ResponseGroup(task: 0, prompt: [0], responses: [TokenGroups.response(1, length: 1), TokenGroups.response(0, length: 59)])
        var fallen = TokenGroups.work([odd])
        TokenHeterogeneity().apply(&fallen)
        #expect(abs(fallen.advantage[0] - Float(0.5.squareRoot())) < 1e-4)
    }

    @Test func temperaturesForActors() throws {
        let method = try tokenMethod("hapo")
        #expect(method.adaptiveTemperature(TaskRecords()) == nil)
        let work = TokenGroups.work(TokenGroups.random(), for: method)
        var records = TaskRecords()
        records.write(work.kept)
        let rule = try #require(method.adaptiveTemperature(records))
        for (entropy, x) in zip(work.entropy, work.signals["heterogeneity"]!) {
            #expect(abs(rule(entropy, temperature: 0.8) - 0.8 * (1 + 0.05 * x)) < 1e-5 || abs(x) > 1)
        }
        // Beyond what was seen: within ± τ.
        #expect(abs(rule(100, temperature: 1) - 1.05) < 1e-6 && abs(rule(0, temperature: 1) - 0.95) < 1e-6)
    }
}
