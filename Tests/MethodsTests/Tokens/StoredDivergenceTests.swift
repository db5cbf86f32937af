import Methods
import Rollouts
import TestSupport
import Testing

/// DPH-RL (S127).
@Suite struct StoredDivergenceTests {
    static let kinds: [StoredDivergence.Kind] = [.forward, .jensenShannon, .alpha(0.2), .alpha(0.7)]

    @Test func divergences() {
        for kind in StoredDivergenceTests.kinds {
            let term = StoredDivergence(kind, coefficient: 1)
            let same = term.divergence(0)
            #expect(abs(same.value) < 1e-6 && abs(same.derivative) < 1e-6, "\(kind)")
            for x: Float in [-2, -0.7, 0.3, 1.5] {
                // By the published forms, in double precision.
                let u = expOf(Double(x))
                func f(_ u: Double) -> Double {
                    switch kind {
                    case .forward: return u - logOf(u) - 1
                    case .jensenShannon: return u * logOf(u) - (u + 1) * logOf((u + 1) / 2)
                    case .alpha(let alpha):
                        let a = Double(alpha)
                        return (expOf((1 - a) * logOf(u)) - (1 - a) * u - a) / (a * (a - 1))
                    }
                }
                let slope = (f(u * expOf(1e-5)) - f(u * expOf(-1e-5))) / 2e-5
                let told = term.divergence(x)
                #expect(f(u) > 0 && abs(Double(told.value) - f(u)) < 2e-6 * max(1, f(u)) * 5, "\(kind) at \(x)")
                #expect(abs(Double(told.derivative) - slope) < 1e-4 * max(1, abs(slope)), "\(kind) at \(x)")
            }
        }
    }

    /// Over draws of the reference policy, the mean of the forward form is KL(π_ref ‖ π), and its slope the divergence's.
    @Test func forwardIsTheDivergence() {
        let counts = [8, 4, 3, 1]
        let reference = counts.map { Double($0) / 16 }
        let policy = [0.2, 0.4, 0.1, 0.3]
        let actions = counts.indices.flatMap { [Int](repeating: $0, count: counts[$0]) }
        let responses = actions.map { action -> GroupResponse in
            var one = TokenGroups.response(1, length: 1, logProb: Float(logOf(reference[action])))
            one.source = .dataset
            return one
        }
        let work = TokenGroups.work([ResponseGroup(task: 0, prompt: [0], responses: responses)])
        let step = TokenStep(work, logProb: actions.map { Float(logOf(policy[$0])) })
        let term = StoredDivergence(.forward, coefficient: 1)
        let value = zip(term.slope(step).loss, term.scales(step, .tokenMean)).reduce(0) { $0 + Double($1.0 * $1.1) }
        let exact = zip(reference, policy).reduce(0) { $0 + $1.0 * logOf($1.0 / $1.1) }
        #expect(abs(value - exact) < 1e-5)
        // By the logits z of a softmax, ∂KL/∂z_k = π_k − π_ref,k.
        let slopes = zip(term.slope(step).logProb, term.scales(step, .tokenMean)).map { Double($0 * $1) }
        for k in policy.indices {
            let byLogit = zip(actions, slopes).reduce(0) { $0 + $1.1 * (($1.0 == k ? 1 : 0) - policy[k]) }
            #expect(abs(byLogit - (policy[k] - reference[k])) < 1e-5)
        }
    }

    @Test func storedAndLiveAreApart() throws {
        var groups = TokenGroups.random(3, seed: 2)
        let live = groups
        var stored = TokenGroups.response(1, length: 5, logProb: -0.5)
        stored.source = .dataset
        stored.roles = [TokenRole](repeating: .forced, count: 5)
        groups.append(ResponseGroup(task: 9, prompt: [1], responses: [stored]))
        let method = try tokenMethod("dph-rl", ["coefficient": 0.5])
        let work = TokenGroups.work(groups, for: method)
        let (count, all) = (TokenGroups.work(live).batch.count, work.batch.count)
        #expect(all == count + 5 && work.mask[count...].allSatisfy { $0 == 0 })
        let logProb = TokenGroups.moved(work)
        let gradient = TokenGroups.gradient(method, TokenStep(work, logProb: logProb))
        for token in count..<all { #expect(abs(gradient[token] - 0.5 * (Float(expOf(Double(logProb[token]) + 0.5)) - 1) / 5) < 1e-6) }
        // Live tokens: GRPO with this clip, as if nothing were stored.
        var grpo = TokenMethod.grpo(clip: TokenClip(low: 0.2, high: 0.28))
        grpo.aggregate = .tokenMean
        let alone = TokenGroups.work(live, for: grpo)
        #expect(Array(gradient[..<count]) == TokenGroups.gradient(grpo, TokenStep(alone, logProb: Array(logProb[..<count]))))
        #expect(method.plan.storedAttempts == 8 && method.plan.storedShare == 0.25)
    }
}
