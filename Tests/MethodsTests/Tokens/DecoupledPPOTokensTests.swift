import Methods
import Rollouts
import TestSupport
import Testing

/// Decoupled PPO with a value of every token (B09).
@Suite struct DecoupledPPOTokensTests {
    /// With data that the policy of now has drawn it is PPO, over all gradient steps of an update, bit for bit.
    @Test func freshDataTeachesAsPPODoes() throws {
        func trained(_ method: TokenMethod) throws -> (fresh: [Float], stale: [Float]) {
            var method = method
            (method.epochs, method.minibatches) = (2, 4)
            let learner = try TinyLearner.make(method)
            var groups = TokenGroups.random(8, seed: 4)
            let logProb = learner.evaluate(groups, learner.weights).logProb
            let spans = ResponseBatch(groups).spans
            var next = 0
            for group in groups.indices {
                for response in groups[group].responses.indices {
                    groups[group].responses[response].logProbs = Array(logProb[spans[next]])
                    next += 1
                }
            }
            func update(_ version: UInt64) throws -> [Float] {
                _ = try learner.update(groups, at: Moment(version: version, learningRate: 0.01))
                return learner.weights.numbers
            }
            return (try update(0), try update(1))
        }
        let clip = TokenClip(dual: 3)
        let decoupled = try trained(.decoupledPPOTokens(critic: TokenCriticSettings(), clip: clip))
        let ppo = try trained(.ppoTokens(clip: clip))
        #expect(decoupled.fresh == ppo.fresh)
        // The second time the same data is old.
        #expect(decoupled.stale != ppo.stale)
    }

    /// w · max(−r A, −clip(r) A) of old data, differentiated numerically in double precision. The age is in w alone: not in advantages, not in
    /// what values are fitted to, and not in how far they are from it.
    @Test(arguments: [true, false], [Float.infinity, 1.2]) func staleData(masks: Bool, dual: Float) {
        let clip = TokenClip(dual: dual)
        let method = TokenMethod.decoupledPPOTokens(
            critic: TokenCriticSettings(), clip: clip, weights: ImportanceWeights(masks ? .mask : .truncate, high: 5))
        let ppo = TokenMethod.ppoTokens(clip: clip)
        var work = TokenGroups.work(TokenGroups.random(8, seed: 7))
        var coupled = work
        work.proximal = TokenGroups.moved(work, by: 2.5, seed: 8)
        method.prepare(&work)
        ppo.prepare(&coupled)
        #expect(work.advantage == coupled.advantage && work.valueTarget == coupled.valueTarget)

        let step = TokenStep(work, logProb: TokenGroups.moved(work, by: 0.4, seed: 9))
        let found = TokenGroups.gradient(method, step)
        let told = TokenGroups.gradient(ppo, TokenStep(coupled, logProb: step.logProb))
        let count = Double(work.mask.reduce(0, +))
        var (beyond, free, cut) = (0, 0, 0)
        for token in found.indices {
            guard work.mask[token] > 0 else {
                #expect(found[token] == 0)
                continue
            }
            let advantage = Double(work.advantage[token])
            let age = expOf(Double(work.proximal[token] - work.batch.behaviour[token]))
            let weight = age <= 5 ? age : masks ? 0 : 5
            func loss(_ logProb: Double) -> Double {
                let ratio = expOf(logProb - Double(work.proximal[token]))
                let loss = max(-ratio * advantage, -min(max(ratio, 0.8), 1.2) * advantage)
                return weight * (advantage < 0 ? min(loss, -Double(dual) * advantage) : loss) / count
            }
            let (at, h) = (Double(step.logProb[token]), 1e-6)
            let ratio = Double(step.ratio(token))
            guard abs(ratio - 0.8) > 1e-4, abs(ratio - 1.2) > 1e-4 else { continue }
            #expect(abs(Double(found[token]) - (loss(at + h) - loss(at - h)) / (2 * h)) < 1e-6)
            beyond += age > 5 ? 1 : 0
            free += found[token] != 0 && told[token] == 0 ? 1 : 0
            cut += found[token] == 0 && weight > 0 ? 1 : 0
        }
        // Where the policy has left μ in the advantage's favour PPO stops, and this goes on.
        #expect(beyond > 0 && free > 0 && cut > 0)

        let fit = TokenCriticSettings().fit
        let other = TokenStep(coupled, logProb: step.logProb)
        #expect(!fit.isWeighted && fit.slope(step).value == fit.slope(other).value)
        #expect(fit.scales(step, method.aggregate) == fit.scales(other, ppo.aggregate))
    }
}
