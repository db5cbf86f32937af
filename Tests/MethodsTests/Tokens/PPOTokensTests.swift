import Methods
import Rollouts
import TestSupport
import Testing

/// PPO for tokens (B02) and T-PPO (S037).
@Suite struct PPOTokensTests {
    /// The recursion over all positions, in which those that were not drawn hand on what follows them.
    private func written(
        _ rewards: [Float], _ values: [Float], _ drawn: [Bool], _ discount: Double, _ lambda: Double
    ) -> [Double] {
        var (next, following, advantages) = (0.0, 0.0, [Double](repeating: 0, count: rewards.count))
        for t in rewards.indices.reversed() where drawn[t] {
            following = Double(rewards[t]) + discount * next - Double(values[t]) + discount * lambda * following
            next = Double(values[t])
            advantages[t] = following
        }
        return advantages
    }

    @Test(arguments: [(1, 1), (1, 0.95), (0.9, 0.7), (1, 0)] as [(Float, Float)]) func advantages(_ discount: Float, _ lambda: Float) {
        let groups = TokenGroups.random(seed: 8)
        var work = TokenGroups.work(groups)
        TokenGAE(discount: discount, lambda: lambda).apply(&work)
        for (number, response) in work.batch.responses.enumerated() where response.end != .unverified {
            let span = work.batch.spans[number]
            let drawn = response.roles.map { $0 == .policy }
            var rewards = [Float](repeating: 0, count: span.count)
            rewards[drawn.lastIndex(of: true)!] = response.reward
            let expected = written(rewards, Array(work.values[span]), drawn, Double(discount), Double(lambda))
            for (place, token) in span.enumerated() where drawn[place] {
                #expect(abs(Double(work.advantage[token]) - expected[place]) < 1e-5)
                #expect(abs(work.valueTarget[token] - work.advantage[token] - work.values[token]) < 1e-6)
                if discount == 1, lambda == 1 { #expect(abs(work.valueTarget[token] - response.reward) < 1e-6) }
            }
        }
    }

    @Test func withoutValuesAndTracesItIsTheReturn() {
        let rewards: [Float] = [0.5, 0, -1, 2]
        let found = TokenGAE.advantages(rewards, [0, 0, 0, 0], isOpen: false, discount: 0.5, lambda: 1)
        #expect(found == [0.5, 0, 0, 2])
    }

    @Test func firstStepIsThePolicyGradient() {
        let method = TokenMethod.ppoTokens()
        let work = TokenGroups.work(TokenGroups.random(seed: 9), for: method)
        let step = TokenStep(work, tokens: Array(0..<work.batch.count), logProb: work.proximal, entropy: work.entropy, value: work.values)
        let plain = TokenMethod("plain", stages: [], terms: [TokenPolicyGradient()], aggregate: .tokenMean)
        let (proximal, gradient) = (TokenGroups.gradient(method, step), TokenGroups.gradient(plain, step))
        for token in step.work.mask.indices { #expect(proximal[token] == gradient[token]) }
        #expect(gradient.contains { $0 != 0 })
        // The value moves where it was drawn, by a mean over the tokens that count.
        let fit = TokenValueFit(0.5, clip: 0.2)
        let (slope, scales) = (fit.slope(step), fit.scales(step, .sum))
        for token in 0..<step.count {
            let expected = work.mask[token] * 0.5 * (work.values[token] - work.valueTarget[token]) / work.mask.reduce(0, +)
            #expect(abs(slope.value[token] * scales[token] - expected) < 1e-6)
        }
    }

    @Test(arguments: [(0.2, 0.2, Float.infinity), (0.2, 0.28, 10), (0.2, 0.2, 3)] as [(Float, Float, Float)])
    func clipTable(_ low: Float, _ high: Float, _ dual: Float) {
        let ratios: [Float] = [0.02, 0.3, 0.75, 0.85, 1, 1.15, 1.25, 1.5, 2.9, 3.5, 12]
        for advantage: Float in [-2, -0.5, 0, 0.7, 1.5] {
            let groups = [ResponseGroup(task: 0, prompt: [0], responses: [TokenGroups.response(1, length: ratios.count)])]
            var work = TokenGroups.work(groups)
            work.setAdvantage(advantage, of: 0)
            let step = TokenStep(work, logProb: zip(work.proximal, ratios).map { $0 + Float(logOf(Double($1))) })
            let slope = TokenClip(low: low, high: high, dual: dual).slope(step)
            for (place, ratio) in ratios.enumerated() {
                let (r, a) = (Double(ratio), Double(advantage))
                let (loss, phi): (Double, Double) =
                    a >= 0 ? (-min(r, 1 + Double(high)) * a, r > 1 + Double(high) ? 0 : r)
                    : r > Double(dual) ? (-Double(dual) * a, 0) : (-max(r, 1 - Double(low)) * a, r < 1 - Double(low) ? 0 : r)
                #expect(abs(Double(slope.loss[place]) - loss) < 1e-4 * max(1, abs(loss)))
                #expect(abs(Double(slope.logProb[place]) + phi * a) < 1e-4 * max(1, abs(phi * a)))
            }
        }
    }

    // MARK: T-PPO

    @Test(arguments: [(1, 0.95), (1, 1), (0.9, 0.7)] as [(Float, Float)]) func openResponses(_ discount: Float, _ lambda: Float) {
        var dice = TestSupport.Dice(3)
        let values = (0..<7).map { _ in Float.random(in: -1...1, using: &dice) }
        let unknown: Float = 0.37
        let rewards = [Float](repeating: 0, count: 6)
        let found = TokenGAE.advantages(rewards, Array(values.prefix(6)), isOpen: true, discount: discount, lambda: lambda)
        if discount == 1 { #expect(found[5] == 0) }
        // The estimate that has a value of the state behind the cut.
        func standard(_ bootstrap: Float) -> [Double] {
            var (following, next, result) = (0.0, Double(bootstrap), [Double](repeating: 0, count: 6))
            for t in (0..<6).reversed() {
                following = Double(discount) * next - Double(values[t]) + Double(discount * lambda) * following
                next = Double(values[t])
                result[t] = following
            }
            return result
        }
        // That value is taken to be the last one; how much that matters fades with γλ.
        for (t, (one, other)) in zip(found, standard(values[5])).enumerated() { #expect(abs(Double(one) - other) < 1e-5, "\(t)") }
        for (t, (one, other)) in zip(found, standard(unknown)).enumerated() {
            var trace = Double(discount)
            for _ in t..<5 { trace *= Double(discount * lambda) }
            #expect(abs(other - Double(one) - trace * Double(unknown - values[5])) < 1e-5)
        }
    }

    @Test func finishedResponsesAreThePPOs() {
        let groups = TokenGroups.random(seed: 5)
        #expect(TokenGroups.work(groups, for: .tPPO()).advantage == TokenGroups.work(groups, for: .ppoTokens()).advantage)
    }

    @Test func eachUpdateHasItsOwnTokens() {
        let method = TokenMethod.tPPO(window: 4)
        #expect(method.plan.window == 4 && method.hasValue)
        var continued = TokenGroups.response(1, length: 6)
        continued.firstOwnToken = 4
        let open = TokenGroups.response(0, length: 4, end: .open)
        let work = TokenGroups.work([ResponseGroup(task: 0, prompt: [0], responses: [continued, open])], for: method)
        // Policy: the tokens of this window. Values: all tokens of what has ended.
        #expect(work.mask == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
        #expect(work.valueMask == [1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
        let step = TokenStep(work, tokens: Array(0..<10), logProb: work.proximal, entropy: work.entropy, value: work.values.map { $0 + 0.1 })
        let fit = method.terms.compactMap { $0 as? TokenValueFit }[0]
        #expect(fit.scales(step, .sum) == [Float](repeating: 1 / 6, count: 6) + [0, 0, 0, 0])
        let gradient = TokenGroups.gradient(method, step)
        #expect(gradient[..<4].allSatisfy { $0 == 0 } && gradient[4...].allSatisfy { $0 != 0 })
    }
}
