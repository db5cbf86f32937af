import Methods
import Rollouts
import Testing

/// TOPR (B11).
@Suite struct TaperTests {
    @Test(arguments: [false, true]) func coefficients(perToken: Bool) {
        let taper = TokenTaper(positive: 1.5, negative: 0.5, perToken: perToken)
        let method = TokenMethod.toprTokens(taper: taper, baseline: 0.5)
        let work = TokenGroups.work(TokenGroups.random(seed: 4), for: method)
        let logProb = TokenGroups.moved(work, by: 0.6)
        let step = TokenStep(work, logProb: logProb)
        let slope = taper.slope(step)
        for sequence in step.sequences {
            let sum = sequence.span.reduce(0.0) { $0 + Double(work.mask[$1] * (logProb[$1] - work.batch.behaviour[$1])) }
            for token in sequence.span where work.mask[token] > 0 {
                let rho = expOf(perToken ? Double(logProb[token] - work.batch.behaviour[token]) : sum)
                let a = Double(work.advantage[token])
                let expected = -a * (a > 0 ? 1.5 : 0.5 * min(max(rho, 0), 1))
                #expect(abs(Double(slope.logProb[token]) - expected) < 1e-5)
                #expect(abs(Double(slope.loss[token]) - expected * Double(logProb[token])) < 1e-5)
            }
        }
        if !perToken {
            for group in work.batch.groups.indices {
                for response in work.batch.judged(group) {
                    #expect(work.advantage[work.batch.spans[response].lowerBound] == work.batch.responses[response].reward - 0.5)
                }
            }
        }
    }

    @Test func whereThePolicyStillDoesItItIsREINFORCE() {
        let work = TokenGroups.work(TokenGroups.random(seed: 4), for: .toprTokens())
        let plain = TokenMethod("plain", stages: [], terms: [TokenPolicyGradient()], aggregate: .sequenceMeanTokenSum)
        for distance: Float in [0, 0.4] {
            let step = TokenStep(work, logProb: work.proximal.map { $0 + distance })
            #expect(TokenGroups.gradient(.toprTokens(), step) == TokenGroups.gradient(plain, step))
        }
        // And what it no longer does has no push: at most |A| ρ.
        let far = TokenGroups.gradient(.toprTokens(), TokenStep(work, logProb: work.proximal.map { $0 - 10 }))
        #expect(zip(far, work.advantage).allSatisfy { $1 > 0 ? $0 < 0 || $0 == 0 : abs($0) < 1e-4 })
    }

    /// Thousands of updates on fixed data of a uniform policy: plain REINFORCE runs away from the bad, TOPR ends at the good.
    @Test func fixedData() {
        let bandit = TokenBandit(policy: [Double](repeating: 0.125, count: 8), rewards: [0, 0, 1, 0, 0, 0, 0, 0])
        let data = [bandit.group(Array(0..<8))]
        func train(_ method: TokenMethod) -> [Double] {
            var logits = [Double](repeating: 0, count: 8)
            for _ in 0..<3000 {
                let gradient = bandit.gradient(method, data, current: TokenBandit.softmax(logits))
                for j in logits.indices { logits[j] -= gradient[j] }
            }
            return logits
        }
        func spread(_ logits: [Double]) -> Double { logits.max()! - logits.min()! }
        let plain = train(TokenMethod("plain", stages: [ConstantBaseline(0.5)], terms: [TokenPolicyGradient()], aggregate: .sequenceMeanTokenSum))
        let tapered = train(.toprTokens())
        #expect(TokenBandit.softmax(tapered)[2] > 0.98 && spread(tapered) < 15)
        // Nothing bounds what each of the seven bad answers adds.
        #expect(spread(plain) > 100)
    }
}
