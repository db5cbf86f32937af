import Methods
import Rollouts
import Testing

/// REINFORCE, RLOO, REINFORCE++ and ReMax (B01).
@Suite struct ReinforceTokensTests {
    let bandit = TokenBandit(policy: [0.5, 0.3, 0.15, 0.05], rewards: [0.6, 1, 0.2, 0.9])

    private func close(_ found: [Double], _ expected: [Double], _ tolerance: Double = 1e-6) -> Bool {
        zip(found, expected).allSatisfy { abs($0 - $1) < tolerance }
    }

    @Test(arguments: [1, 2, 3]) func expectationsAreExact(responses: Int) {
        let plain = bandit.moments(.reinforceTokens(subtractsMean: false), responses: responses)
        #expect(close(plain.mean, bandit.exact))
        let others = bandit.moments(.rloo(), responses: responses)
        #expect(close(others.mean, bandit.exact))
        let centred = bandit.moments(.reinforceTokens(), responses: responses)
        #expect(close(centred.mean, bandit.exact.map { $0 * (1 - 1 / Double(responses)) }))
        let greedy = bandit.moments(.remax(), responses: responses, greedy: 0)
        #expect(close(greedy.mean, bandit.exact))
        if responses > 1 { #expect(others.variance < plain.variance && centred.variance < others.variance && greedy.variance < plain.variance) }
    }

    @Test func leaveOneOutIsTheScaledDifference() {
        let rewards: [Float] = [0.3, 1, 0, 0.25, 0.7]
        let all = TokenGroups.work([TokenGroups.group(rewards)], for: .rloo()).advantage
        let centred = TokenGroups.work([TokenGroups.group(rewards)], for: .drGRPO()).advantage
        for (one, other) in zip(all, centred) { #expect(abs(one - other * 5 / 4) < 1e-6) }
        #expect(TokenGroups.work([TokenGroups.group([0.3])], for: .rloo()).advantage == [0.3, 0.3, 0.3])
        #expect(TokenGroups.work([TokenGroups.group([0.3])], for: .reinforceTokens()).advantage == [0, 0, 0])
    }

    /// A sum over tokens: no token weighs less for being in a long response.
    @Test func everyTokenWeighsTheSame() {
        let group = ResponseGroup(
            task: 0, prompt: [0],
            responses: [TokenGroups.response(1, length: 2), TokenGroups.response(0, length: 7), TokenGroups.response(1, length: 0)])
        let work = TokenGroups.work([group], for: .rloo())
        let gradient = TokenGroups.gradient(.rloo(), TokenStep(work, logProb: TokenGroups.moved(work)))
        // A: ½ and −1; the empty response is none.
        for (token, slope) in gradient.enumerated() { #expect(abs(slope - (token < 2 ? -0.5 : 1) / 2) < 1e-6) }
    }

    @Test func greedyResponseIsComparedWithAndNotTrainedOn() {
        #expect(TokenMethod.remax().plan.greedyBaseline)
        var group = TokenGroups.group([1, 0])
        group.responses.append(TokenGroups.response(0.25, isBaseline: true))
        let work = TokenGroups.work([group], for: .remax())
        #expect(work.advantage == [0.75, 0.75, 0.75, -0.25, -0.25, -0.25, 0, 0, 0])
        let gradient = TokenGroups.gradient(.remax(), TokenStep(work, logProb: TokenGroups.moved(work)))
        #expect(gradient[6...].allSatisfy { $0 == 0 } && gradient[..<6].allSatisfy { $0 != 0 })
        group.responses[2].end = .unverified
        #expect(TokenGroups.work([group], for: .remax()).advantage.allSatisfy { $0 == 0 })
    }

    @Test func returnsAreDiscountedOverDrawnTokens() {
        var response = TokenGroups.response(2, length: 5)
        response.roles[2] = .environment
        var work = TokenGroups.work([ResponseGroup(task: 0, prompt: [0], responses: [response])])
        work.tokenReward = [0.5, 0, 100, 0, -1]
        TokenReturns(discount: 0.5).apply(&work)
        // Places 0, 1, 3, 4 with rewards 0.5, 0, 0, 2 − 1.
        #expect(work.advantage == [0.625, 0.25, 0, 0.5, 1])
        work.tokenReward = []
        TokenReturns().apply(&work)
        #expect(work.advantage == [2, 2, 0, 2, 2])
    }

    @Test func divergenceIsInTheReward() {
        let groups = TokenGroups.random()
        let plain = TokenGroups.work(groups)
        for perToken in [false, true] {
            var work = plain
            ReferencePenalty(0.1, perToken: perToken).apply(&work)
            for response in work.batch.responses.indices {
                let cost = work.batch.spans[response].reduce(0.0) { sum, token in
                    sum + Double(work.mask[token]) * 0.1 * Double(work.batch.behaviour[token] - work.reference[token])
                }
                let told = perToken ? work.sum(work.tokenReward, response) : work.reward[response] - plain.reward[response]
                #expect(abs(Double(told) + cost) < 1e-5)
            }
        }
    }

    @Test func whiteningIsOverTokens() {
        let method = TokenMethod.reinforcePlusPlus()
        let work = TokenGroups.work(TokenGroups.random(seed: 4), for: method)
        let counting = work.advantage.indices.filter { work.mask[$0] > 0 }.map { Double(work.advantage[$0]) }
        let mean = counting.reduce(0, +) / Double(counting.count)
        let variance = counting.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(counting.count - 1)
        #expect(abs(mean) < 1e-6 && abs(variance - 1) < 1e-5)
        // Whatever is added to all rewards, or multiplies them.
        var shifted = TokenGroups.random(seed: 4)
        for group in shifted.indices {
            for response in shifted[group].responses.indices {
                shifted[group].responses[response].rewards[0] = shifted[group].responses[response].reward * 3 + 2
            }
        }
        let other = TokenGroups.work(shifted, for: method)
        for token in work.advantage.indices where work.mask[token] > 0 { #expect(abs(work.advantage[token] - other.advantage[token]) < 1e-4) }
    }
}
