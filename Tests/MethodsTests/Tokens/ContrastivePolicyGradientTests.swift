import Methods
import Rollouts
import Testing

/// CoPG (S024).
@Suite struct ContrastivePolicyGradientTests {
    let rewards = [2.5, 2.0, 1.0]
    let reference = [0.2, 0.5, 0.3]
    let behaviour = [0.1, 0.2, 0.7]
    let beta = 0.5

    private var optimum: [Double] {
        let powers = zip(reference, rewards).map { $0 * expOf($1 / beta) }
        return powers.map { $0 / powers.reduce(0, +) }
    }

    /// Descends the exact gradient of a method over pairs of answers that the behaviour policy draws.
    private func trained(_ method: TokenMethod, _ bandit: TokenBandit) -> [Double] {
        var logits = reference.map { logOf($0) }
        for _ in 0..<3000 {
            let policy = TokenBandit.softmax(logits)
            var total = [0.0, 0, 0]
            for y in 0..<3 {
                for z in 0..<3 {
                    let gradient = bandit.gradient(method, [bandit.group([y, z])], current: policy, reference: reference)
                    for j in 0..<3 { total[j] += behaviour[y] * behaviour[z] * gradient[j] }
                }
            }
            for j in 0..<3 { logits[j] -= 2 * total[j] }
        }
        return TokenBandit.softmax(logits)
    }

    /// Whatever policy draws; what has another baseline, or none, ends elsewhere.
    @Test func onlyOptimumOnOldData() {
        let bandit = TokenBandit(policy: behaviour, rewards: rewards)
        #expect(TokenBandit.divergence(trained(.copg(beta: Float(beta)), bandit), optimum) < 1e-6)
        #expect(TokenBandit.divergence(trained(plain, bandit), optimum) > 0.5)
    }

    /// The off-policy gradient of r − β l without baseline or weights: −R_β lp.
    private var plain: TokenMethod { TokenMethod("plain", stages: [], terms: [Unweighted(beta: Float(beta))], aggregate: .sequenceMeanTokenSum) }
    private struct Unweighted: TokenTerm {
        let beta: Float
        let name = "policy_loss"
        func slope(_ step: TokenStep) -> TokenSlope {
            var slope = TokenSlope(step.count)
            for sequence in step.sequences {
                for token in sequence.span {
                    slope.logProb[token] = -(step.work.reward[sequence.response] - beta * (step.logProb[token] - step.reference[token]))
                }
            }
            return slope
        }
    }

    /// For any size of a group: −2 (R_β − mean R_β) / (G − 1).
    @Test func pairsAreTheGroupsMean() {
        let (rewards, distances): ([Float], [Float]) = ([1, 0, 0.5, 0.2, 1], [0.3, -0.2, 0.1, 0.7, -1])
        let (value, parts) = ContrastivePolicyGradient(0.4).contrast(rewards, distances)
        let regularized = zip(rewards, distances).map { Double($0) - 0.4 * Double($1) }
        let mean = regularized.reduce(0, +) / 5
        for (part, one) in zip(parts, regularized) { #expect(abs(Double(part) + 2 * (one - mean) / 4) < 1e-5) }
        var written = 0.0
        for y in 0..<5 {
            for z in 0..<5 where z != y {
                let (reward, distance) = (Double(rewards[y] - rewards[z]), Double(distances[y] - distances[z]))
                written -= (reward - 0.2 * distance) * distance / 20
            }
        }
        #expect(abs(Double(value) - written) < 1e-5)
    }

    /// A gap of ½ between winner and loser: β/2 times IPO's 2 (h − 1/(2β)).
    @Test func constantGapIsIPO() {
        for h: Float in [-1, 0, 0.4, 2] {
            let parts = ContrastivePolicyGradient(0.3).contrast([0.5, 0], [h + 0.2, 0.2]).parts
            let ipo = 2 * (Double(h) - 1 / 0.6)
            #expect(abs(Double(parts[0]) - 0.15 * ipo) < 1e-5 && abs(parts[0] + parts[1]) < 1e-6)
        }
    }

    /// Two responses of the policy itself: twice the gradient of RLOO with the divergence in the reward.
    @Test func twoResponsesAreRLOO() {
        let groups = TokenGroups.random(3, responses: 2, seed: 5)
        let copg = TokenMethod.copg(beta: 0.2)
        let work = TokenGroups.work(groups, for: copg)
        let rloo = TokenMethod.rloo(shaping: [ReferencePenalty(0.2)])
        let other = TokenGroups.work(groups, for: rloo)
        let found = TokenGroups.gradient(copg, TokenStep(work, logProb: work.batch.behaviour))
        let expected = TokenGroups.gradient(rloo, TokenStep(other, logProb: work.batch.behaviour))
        for (one, two) in zip(found, expected) { #expect(abs(one - 2 * two) < 1e-6) }
        #expect(found.contains { $0 != 0 })
    }

    /// Adding a constant to the rewards of a task changes nothing.
    @Test func rewardsAreComparedInsideOfATask() {
        let term = ContrastivePolicyGradient(0.5)
        let (one, other) = (term.contrast([1, 0, 0.25], [0.5, 0, 1]), term.contrast([5, 4, 4.25], [0.5, 0, 1]))
        #expect(one.parts == other.parts && one.value == other.value)
    }
}
