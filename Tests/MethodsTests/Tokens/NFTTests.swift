import Methods
import Rollouts
import Testing

/// NFT (S034).
@Suite struct NFTTests {
    private func onPolicy(_ fit: NegativeAwareFit, _ rewards: [Float]) -> [Float] {
        let method = TokenMethod.nft(TokenSettings(), fit: fit, length: 1)
        let work = TokenGroups.work([TokenGroups.group(rewards, length: 1)], for: method)
        return TokenGroups.gradient(method, TokenStep(work, logProb: work.proximal)).map { -$0 * Float(rewards.count) }
    }

    @Test(arguments: [[1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1, 1, 0]] as [[Float]], [false, true])
    func onPolicyItIsGRPO(_ rewards: [Float], perSequence: Bool) {
        let p = rewards.reduce(0, +) / Float(rewards.count)
        for (found, reward) in zip(onPolicy(NegativeAwareFit(.remainder, perSequence: perSequence), rewards), rewards) {
            #expect(abs(found - (reward - p)) < 1e-5)
        }
        for (found, reward) in zip(onPolicy(NegativeAwareFit(.odds, perSequence: perSequence), rewards), rewards) {
            #expect(abs(found - (reward - p) / (p * (1 - p)).squareRoot()) < 1e-5)
        }
        let dr = TokenGroups.work([TokenGroups.group(rewards, length: 1)], for: .drGRPO()).advantage
        for (found, advantage) in zip(onPolicy(NegativeAwareFit(), rewards), dr) { #expect(abs(found - advantage) < 1e-5) }
    }

    @Test func coefficients() {
        for (weight, negative) in [(NegativeAwareFit.Weight.remainder, 1), (.odds, 0.5)] as [(NegativeAwareFit.Weight, Float)] {
            for share: Float in [0.01, 0.25, 0.6, 0.99] {
                let p = Double(min(max(share, 0.02), 0.98))
                let omega = weight == .odds ? ((1 - p) / p).squareRoot() : 1 - p
                for r in [0.05, 0.5, 0.9, 1, 1.2, 3, 40] {
                    let fit = NegativeAwareFit(weight, negative: negative)
                    let x = Float(logOf(r))
                    let good = fit.fit(x, true, share)
                    #expect(abs(Double(good.loss) + omega * logOf(r)) < 1e-4 && abs(Double(good.slope) + omega) < 1e-5)
                    let implied = max((1 - p * r) / (1 - p), 1)
                    let expected = omega * Double(negative) * p * r / ((1 - p) * implied)
                    let bad = fit.fit(x, false, share)
                    #expect(abs(Double(bad.loss) + omega * Double(negative) * logOf(implied)) < 1e-4)
                    #expect(abs(Double(bad.slope) / expected - 1) < 1e-4)
                }
            }
        }
    }

    /// Where the floor is not reached, the slope is the derivative of the loss.
    @Test func differences() {
        let fit = NegativeAwareFit(floor: 0.01)
        for share: Float in [0.2, 0.5] {
            for x in [-2, -0.5, 0, 0.3] as [Float] {
                for isCorrect in [true, false] {
                    let h: Float = 1.0 / 512
                    let difference = (fit.fit(x + h, isCorrect, share).loss - fit.fit(x - h, isCorrect, share).loss) / (2 * h)
                    #expect(abs(difference - fit.fit(x, isCorrect, share).slope) < 2e-3)
                }
            }
        }
    }

    @Test func sequencesHaveOneRatio() {
        let method = TokenMethod.nft(TokenSettings(), fit: NegativeAwareFit(floor: 0.5, perSequence: true), length: 10)
        let work = TokenGroups.work(TokenGroups.random(seed: 2), for: method)
        let step = TokenStep(work, logProb: TokenGroups.moved(work))
        let slope = NegativeAwareFit(floor: 0.5, perSequence: true).slope(step)
        for sequence in step.sequences where sequence.length > 0 {
            let judged = work.batch.judged(sequence.group)
            let share = Float(judged.count { work.batch.responses[$0].isCorrect }) / Float(judged.count)
            let sum = sequence.span.reduce(Float(0)) { $0 + work.mask[$1] * step.logRatio($1) }
            let (loss, part) = NegativeAwareFit(floor: 0.5).fit(sum, work.batch.responses[sequence.response].isCorrect, share)
            #expect(abs(step.sum(slope.loss, sequence) - loss) < 1e-4)
            for token in sequence.span { #expect(abs(slope.logProb[token] - part) < 1e-5) }
        }
    }

    @Test func onlyMixedGroupsTeachAndWrongOnesOnlyWhereAsked() {
        let groups = [TokenGroups.group([1, 1]), TokenGroups.group([0, 0], task: 1), TokenGroups.group([1, 0], task: 2)]
        let method = TokenMethod.nft(TokenSettings(), length: 4)
        let work = TokenGroups.work(groups, for: method)
        #expect(work.mask == [Float](repeating: 0, count: 12) + [Float](repeating: 1, count: 6))
        let slopes = TokenGroups.gradient(method, TokenStep(work, logProb: work.proximal))
        // Two sequences are left, L = 4: ω = ½.
        #expect(slopes == [Float](repeating: 0, count: 12) + [Float](repeating: -0.5 / 8, count: 3) + [Float](repeating: 0.5 / 8, count: 3))
        let positives = NegativeAwareFit(negative: 0).slope(TokenStep(work, logProb: TokenGroups.moved(work))).logProb
        #expect(positives[15...].allSatisfy { $0 == 0 } && positives[12..<15].allSatisfy { $0 == -0.5 })
        #expect((MethodCatalogue.tokens.first { $0.id == "nft" }!.defaults as! TokenMethod).plan.leavesOutEqual)
    }
}
