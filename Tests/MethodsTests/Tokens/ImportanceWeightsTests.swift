import Methods
import Rollouts
import TestSupport
import Testing

/// TIS and MIS (B10), decoupled PPO (B09).
@Suite struct ImportanceWeightsTests {
    /// The weights of a batch whose learner and actors disagree, written out in double precision, and which tokens were limited.
    private func written(_ work: TokenWork, _ rule: ImportanceWeights) -> (weights: [Double], limited: Double) {
        var (weights, limited) = ([Double](repeating: 1, count: work.batch.count), 0.0)
        var counting: [Int] = []
        for span in work.batch.spans {
            let tokens = span.filter { work.mask[$0] > 0 }
            counting += tokens
            let x = tokens.map { Double(work.proximal[$0] - work.batch.behaviour[$0]) }
            let (sum, least) = (x.reduce(0, +), x.min() ?? 0)
            for (place, token) in tokens.enumerated() {
                let ratio = expOf(rule.level == .step ? x[place] : rule.level == .sequence ? sum : sum / Double(x.count))
                let isOut = ratio > Double(rule.high) || (rule.limit == .mask && ratio < Double(rule.low))
                let isVetoed = rule.veto > 0 && expOf(least) < Double(rule.veto)
                weights[token] = isVetoed ? 0 : isOut ? (rule.limit == .mask ? 0 : Double(rule.high)) : ratio
                limited += isVetoed || isOut ? 1 : 0
            }
        }
        let mean = counting.reduce(0) { $0 + weights[$1] } / Double(counting.count)
        if rule.selfNormalizes { for token in counting { weights[token] /= mean } }
        return (weights, limited / Double(counting.count))
    }

    private func disagreeing(seed: UInt64 = 1, distance: Float = 0.8) -> TokenWork {
        var work = TokenGroups.work(TokenGroups.random(seed: seed))
        work.proximal = TokenGroups.moved(work, by: distance, seed: seed + 1)
        return work
    }

    @Test(arguments: [ImportanceLevel.step, .sequence, .sequenceMean], [ImportanceWeights.Limit.truncate, .mask])
    func everyLevelAndLimit(_ level: ImportanceLevel, _ limit: ImportanceWeights.Limit) {
        for (veto, normalizes) in [(0, false), (0.5, false), (0, true), (0.5, true)] as [(Float, Bool)] {
            let rule = ImportanceWeights(limit, level: level, low: 0.7, high: 1.3, veto: veto, selfNormalizes: normalizes)
            var work = disagreeing()
            let (weights, limited) = written(work, rule)
            rule.apply(&work)
            for token in weights.indices { #expect(abs(Double(work.weight[token]) - weights[token]) < 1e-4) }
            let counting = weights.indices.filter { work.mask[$0] > 0 }.map { weights[$0] }
            let (mean, square) = (counting.reduce(0, +) / Double(counting.count), counting.reduce(0) { $0 + $1 * $1 } / Double(counting.count))
            let told = Dictionary(uniqueKeysWithValues: work.metrics.map { ($0.name, Double($0.value)) })
            #expect(abs(told["correction_weight_mean"]! - mean) < 1e-4)
            #expect(abs(told["correction_effective_sample_size"]! - mean * mean / square) < 1e-4)
            #expect(abs(told["correction_truncated_share"]! - limited) < 1e-5)
            #expect(limited > 0 && told["correction_kl"]! > 0)
        }
    }

    @Test func sameProbabilitiesWeighOne() {
        for level in [ImportanceLevel.step, .sequence, .sequenceMean] {
            for limit in [ImportanceWeights.Limit.truncate, .mask] {
                var work = TokenGroups.work(TokenGroups.random(seed: 3))
                ImportanceWeights(limit, level: level, low: 0.99, high: 1.001, veto: 1e-4, selfNormalizes: true).apply(&work)
                #expect(work.weight.allSatisfy { $0 == 1 })
                #expect(work.metrics.first { $0.name == "correction_kl" }!.value == 0)
            }
        }
    }

    /// Bounds are those of exp x, not of its inverse.
    @Test func bounds() {
        var work = TokenGroups.work([TokenGroups.group([1])])
        work.proximal = [-1 + 0.5, -1 - 0.5, -1]
        ImportanceWeights(.mask, low: 0.9, high: 3).apply(&work)
        #expect(work.weight[0] > 1.6 && work.weight[1] == 0 && work.weight[2] == 1)
    }

    @Test func bypassIsGRPO() {
        let groups = TokenGroups.random(seed: 6)
        var grpo = TokenMethod.grpo()
        grpo.aggregate = .tokenMean
        for method in [TokenMethod.tisTokens(bypasses: true), .misTokens(bypasses: true)] {
            let (work, plain) = (TokenGroups.work(groups, for: method), TokenGroups.work(groups, for: grpo))
            let logProb = TokenGroups.moved(plain)
            #expect(TokenGroups.gradient(method, TokenStep(work, logProb: logProb)) == TokenGroups.gradient(grpo, TokenStep(plain, logProb: logProb)))
        }
        #expect(TokenMethod.tisTokens().needs.contains(.start) && !TokenMethod.tisTokens(bypasses: true).needs.contains(.start))
    }

    @Test func decoupledPPOOfFreshDataIsPPO() {
        let (groups, clip) = (TokenGroups.random(seed: 5), TokenClip())
        let (decoupled, ppo) = (
            TokenMethod.decoupledPPOTokens(critic: TokenCriticSettings(), clip: clip), TokenMethod.ppoTokens(clip: clip)
        )
        var work = TokenGroups.work(groups, for: ppo)
        let logProb = TokenGroups.moved(work)
        let expected = TokenGroups.gradient(ppo, TokenStep(work, logProb: logProb))
        // As the learner does it, where its own log-probabilities are the actors'.
        var other = TokenGroups.work(groups)
        (other.values, other.proximal) = (work.values, work.batch.behaviour)
        decoupled.prepare(&other)
        work = other
        #expect(decoupled.proximal == .start && TokenGroups.gradient(decoupled, TokenStep(work, logProb: logProb)) == expected)
    }

    @Test(arguments: [true, false]) func firstStepIsTheWeightedPolicyGradient(masks: Bool) {
        let method = TokenMethod.decoupledPPOTokens(weights: ImportanceWeights(masks ? .mask : .truncate, high: 1.1))
        let work = TokenGroups.work(TokenGroups.random(seed: 5), for: method)
        let found = TokenGroups.gradient(method, TokenStep(work, logProb: work.proximal))
        // The denominator is that of all tokens, those that weigh nothing too.
        let count = work.mask.reduce(0, +)
        var dropped = 0
        for token in found.indices where work.mask[token] > 0 {
            let ratio = expOf(Double(work.proximal[token] - work.batch.behaviour[token]))
            let weight = ratio <= 1.1 ? ratio : masks ? 0 : 1.1
            dropped += ratio > 1.1 ? 1 : 0
            #expect(abs(Double(found[token]) + weight * Double(work.advantage[token] / count)) < 1e-6)
        }
        #expect(dropped > 0)
    }
}
