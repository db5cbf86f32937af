import Methods
import Testing

/// Identities that hold whatever the numbers are (B02, B03).
@Suite struct EstimatorTests {
    func eachRandom(_ body: (Sequence) -> Void) {
        var dice = Dice(state: 5)
        for count in [1, 2, 3, 7, 20, 64] { for _ in 0..<20 { body(Sequence(random: count, &dice)) } }
    }

    /// The definition, as a sum: e_t = Σ_s (Π_{i<s} d_i c_i) δ_s over the rest of the episode.
    func vtraceByDefinition(_ s: Sequence, _ lambda: Float, _ rhoBar: Float, _ cBar: Float) -> [Float] {
        (0..<s.count).map { t in
            var (sum, weight) = (Float(0), Float(1))
            for k in t..<s.count {
                sum += weight * min(rhoBar, s.ratios[k]) * (s.rewards[k] + s.discounts[k] * s.nextValues[k] - s.values[k])
                if s.ends(at: k) { break }
                weight *= s.discounts[k] * lambda * min(cBar, s.ratios[k])
            }
            return sum
        }
    }

    @Test func vtraceIsItsDefinition() {
        eachRandom { s in
            let settings: [(Float, Float, Float)] = [(1, 1, 1), (0.6, 1, 1), (1, 2, 1.5), (0.9, .infinity, .infinity), (0, 1, 1)]
            for (lambda, rhoBar, cBar) in settings {
                let result = s.vtrace(lambda: lambda, rhoBar: rhoBar, cBar: cBar, policyRhoBar: 1.2)
                #expect(deviation(result.errors, vtraceByDefinition(s, lambda, rhoBar, cBar)) < 1e-5)
                for t in 0..<s.count {
                    let following = s.ends(at: t) ? 0 : lambda * result.errors[t + 1]
                    let advantage = min(1.2, s.ratios[t]) * (s.rewards[t] + s.discounts[t] * (s.nextValues[t] + following) - s.values[t])
                    #expect(abs(result.advantages[t] - advantage) < 1e-5 * max(1, abs(advantage)))
                }
            }
        }
    }

    @Test func onPolicyVtraceIsTheBellmanTarget() {
        eachRandom { s in
            var s = s
            s.ratios = s.ratios.map { _ in 1 }
            let result = s.vtrace()
            for t in 0..<s.count {
                // Σ γ^k r + γ^n V over the rest of the episode: the n-step target.
                var (target, weight) = (Float(0), Float(1))
                for k in t..<s.count {
                    target += weight * s.rewards[k]
                    weight *= s.discounts[k]
                    if s.ends(at: k) {
                        target += weight * s.nextValues[k]
                        break
                    }
                }
                #expect(abs(s.values[t] + result.errors[t] - target) < 1e-5 * max(1, abs(target)))
                #expect(abs(result.advantages[t] - (target - s.values[t])) < 1e-5 * max(1, abs(target)))
            }
        }
    }

    @Test func theEstimatorsReduceToEachOther() {
        eachRandom { s in
            var onPolicy = s
            onPolicy.ratios = s.ratios.map { _ in 1 }
            for lambda: Float in [0, 0.5, 0.95, 1] {
                let gae = s.gae(lambda: lambda)
                #expect(deviation(onPolicy.vtrace(lambda: lambda).errors, gae) < 1e-5)
                #expect(deviation(s.lambdaReturns(lambda: lambda), zip(gae, s.values).map(+)) < 1e-5)
                #expect(s.leakyVtrace(alpha: 1, lambda: lambda) == s.vtrace(lambda: lambda))
                let full = s.vtrace(lambda: lambda, rhoBar: .infinity, cBar: .infinity, policyRhoBar: .infinity)
                let plain = s.leakyVtrace(alpha: 0, lambda: lambda)
                #expect(deviation(plain.errors, full.errors) < 1e-5 && deviation(plain.advantages, full.advantages) < 1e-5)
            }
        }
    }

    @Test func discountedReturnsWithoutAValueFunction() {
        var dice = Dice(state: 3)
        var s = Sequence(random: 30, ends: 0, &dice)
        s.values = s.values.map { _ in 0 }
        s.nextValues = s.values
        var expected = [Float](repeating: 0, count: 30)
        var following: Float = 0
        for t in (0..<30).reversed() {
            following = s.rewards[t] + 0.9 * following
            expected[t] = following
        }
        #expect(deviation(s.gae(lambda: 1), expected) < 1e-5)
    }

    @Test func nothingCrossesTheEndOfAnEpisode() {
        var dice = Dice(state: 8)
        for truncates in [false, true] {
            var s = Sequence(random: 12, ends: 0, &dice)
            if truncates { s.truncated[4] = 1 } else { s.discounts[4] = 0 }
            s.nextValues[4] = 1.5
            var (head, tail) = (s[0..<5], s[5..<12])
            // As sequences of their own they need no flags.
            head.truncated[4] = 0
            tail.truncated[0] = 0
            #expect(s.vtrace().errors == head.vtrace().errors + tail.vtrace().errors)
            #expect(s.vtrace().advantages == head.vtrace().advantages + tail.vtrace().advantages)
            #expect(s.leakyVtrace(alpha: 0.4).errors == head.leakyVtrace(alpha: 0.4).errors + tail.leakyVtrace(alpha: 0.4).errors)
            #expect(s.gae(lambda: 0.9) == head.gae(lambda: 0.9) + tail.gae(lambda: 0.9))
            #expect(s.lambdaReturns(lambda: 0.9) == head.lambdaReturns(lambda: 0.9) + tail.lambdaReturns(lambda: 0.9))
            // Another next episode changes nothing before the end; another final observation only matters after a truncation.
            var other = s
            for t in 5..<12 { other.rewards[t] += 3 }
            #expect(Array(other.gae(lambda: 0.9)[..<5]) == Array(s.gae(lambda: 0.9)[..<5]))
            other.nextValues[4] += 1
            #expect((other.gae(lambda: 0.9)[0] == s.gae(lambda: 0.9)[0]) == !truncates)
        }
    }

    @Test func oneSlotOfABatchGivesTheSameBits() {
        eachRandom { s in
            #expect(s.vtrace(strided: true) == s.vtrace())
            #expect(s.leakyVtrace(alpha: 0.3, strided: true) == s.leakyVtrace(alpha: 0.3))
            #expect(s.gae(lambda: 0.8, strided: true) == s.gae(lambda: 0.8))
            #expect(s.lambdaReturns(lambda: 0.8, strided: true) == s.lambdaReturns(lambda: 0.8))
        }
    }

    /// The fixed point of V-trace is the value of π_ρ̄ ∝ min(ρ̄ μ, π) (Espeholt et al., 2018, §4.1): at it, the expected error over all
    /// trajectories of the behaviour policy is 0, for traces of any length.
    @Test func fixedPointIsTheClippedPolicysValue() {
        // Three states, two actions: action a leads from s to (s + 1 + a) mod 3 with reward table r.
        let reward: [[Float]] = [[1, -0.5], [0.2, 2], [-1, 0.4]]
        let behaviour: [[Float]] = [[0.7, 0.3], [0.5, 0.5], [0.2, 0.8]]
        let target: [[Float]] = [[0.1, 0.9], [0.6, 0.4], [0.7, 0.3]]
        let (discount, rhoBar): (Float, Float) = (0.8, 1.3)
        func next(_ s: Int, _ a: Int) -> Int { (s + 1 + a) % 3 }
        let clipped = (0..<3).map { s -> [Float] in
            let weights = (0..<2).map { min(rhoBar * behaviour[s][$0], target[s][$0]) }
            return weights.map { $0 / (weights[0] + weights[1]) }
        }
        var value: [Float] = [0, 0, 0]
        for _ in 0..<500 {
            value = (0..<3).map { s in (0..<2).reduce(0) { $0 + clipped[s][$1] * (reward[s][$1] + discount * value[next(s, $1)]) } }
        }
        for start in 0..<3 {
            for length in 1...5 {
                var expectedError: Float = 0
                for code in 0..<(1 << length) {
                    var (state, probability) = (start, Float(1))
                    var (rewards, ratios, values): ([Float], [Float], [Float]) = ([], [], [value[start]])
                    for t in 0..<length {
                        let action = code >> t & 1
                        probability *= behaviour[state][action]
                        rewards.append(reward[state][action])
                        ratios.append(target[state][action] / behaviour[state][action])
                        state = next(state, action)
                        values.append(value[state])
                    }
                    let s = Sequence(rewards: rewards, discounts: rewards.map { _ in discount }, values: values, ratios: ratios)
                    expectedError += probability * s.vtrace(rhoBar: rhoBar).errors[0]
                }
                #expect(abs(expectedError) < 2e-6)
            }
        }
    }
}
