import Methods
import Rollouts
import Testing

/// Kimi k1.5 (S165).
@Suite struct MirrorDescentTests {
    @Test func firstStepIsREINFORCE() {
        let groups = TokenGroups.random(seed: 3)
        let kimi = TokenMethod.kimi(TokenSettings(), length: LengthReward(0))
        let (work, plain) = (TokenGroups.work(groups, for: kimi), TokenGroups.work(groups, for: .reinforceTokens()))
        let here = TokenGroups.gradient(kimi, TokenStep(work, logProb: work.proximal))
        #expect(here == TokenGroups.gradient(.reinforceTokens(), TokenStep(plain, logProb: plain.proximal)) && here.contains { $0 != 0 })
        // τ = 0 stays it.
        let free = TokenMethod.kimi(TokenSettings(), temperature: 0, length: LengthReward(0))
        let logProb = TokenGroups.moved(work)
        #expect(
            TokenGroups.gradient(free, TokenStep(work, logProb: logProb))
                == TokenGroups.gradient(.reinforceTokens(), TokenStep(plain, logProb: logProb)))
        #expect(kimi.resetsOptimizer && kimi.proximal == .start && kimi.staleness == .anchored && kimi.needs.contains(.start))
    }

    /// With the exact τ log Z the minimum is π₀ exp(r / τ) / Z.
    @Test func minimumIsTheTiltedPolicy() {
        let (start, rewards, tau) = ([0.4, 0.3, 0.2, 0.1], [0.0, 1, 0.5, 0.8], 0.5)
        let bandit = TokenBandit(policy: start, rewards: rewards)
        let z = zip(start, rewards).reduce(0) { $0 + $1.0 * expOf($1.1 / tau) }
        let tilted = zip(start, rewards).map { $0 * expOf($1 / tau) / z }
        let term = MirrorDescent(Float(tau))
        var work = TokenWork(ResponseBatch([bandit.group([0, 1, 2, 3])]), moment: Moment(learningRate: 1))
        for response in 0..<4 { work.setAdvantage(Float(rewards[response] - tau * logOf(z)), of: response) }
        var logits = start.map { logOf($0) }
        for _ in 0..<4000 {
            let policy = TokenBandit.softmax(logits)
            let slope = term.slope(TokenStep(work, logProb: policy.map { Float(logOf($0)) }))
            // Every answer once, weighed as the policy at the start would draw it.
            for j in logits.indices {
                logits[j] -= (0..<4).reduce(0.0) { $0 + start[$1] * Double(slope.logProb[$1]) * (($1 == j ? 1 : 0) - policy[j]) }
            }
        }
        #expect(zip(TokenBandit.softmax(logits), tilted).reduce(0) { $0 + abs($1.0 - $1.1) } < 1e-3)
    }

    @Test func lengthReward() {
        func shaped(_ lengths: [Int], _ rewards: [Float], progress: Double = 1, weight: Float = 1) -> [Float] {
            let group = ResponseGroup(task: 0, prompt: [0], responses: zip(lengths, rewards).map { TokenGroups.response($1, length: $0) })
            var work = TokenGroups.work([group], progress: progress)
            LengthReward(weight, warmUp: 0.3).apply(&work)
            return zip(work.reward, rewards).map { $0 - $1 }
        }
        #expect(shaped([2, 4, 6, 10], [1, 1, 1, 1]) == [0.5, 0.25, 0, -0.5])
        // What is wrong is not rewarded for being short.
        #expect(shaped([2, 4, 6, 10], [0, 0, 0, 0]) == [0, 0, 0, -0.5])
        #expect(shaped([4, 4, 4], [1, 0, 1]) == [0, 0, 0] && shaped([3], [1]) == [0])
        #expect(shaped([2, 10], [1, 1], progress: 0.29) == [0, 0] && shaped([2, 10], [1, 1], progress: 0.3, weight: 2) == [1, -1])
    }

    @Test func hardTasksComeMoreOften() {
        let method = TokenMethod.kimi(TokenSettings())
        var records = TaskRecords()
        #expect(method.taskWeight!(3, records) == 1)
        for _ in 0..<2 {
            let groups = [TokenGroups.group([1, 0, 0, 0], task: 3), TokenGroups.group([1, 1], task: 4), TokenGroups.group([1, 1, 1, 1], task: 3)]
            records.write(TokenGroups.work(groups, for: method, records: records).kept)
        }
        #expect(records[3, "success"] == [10, 16] && records[4, "success"] == [4, 4])
        #expect(method.taskWeight!(3, records) == 1 - 10.0 / 16 && method.taskWeight!(4, records) == 0.02)
        #expect(TokenMethod.kimi(TokenSettings(), prioritizes: false).taskWeight == nil)
    }
}
