import Methods
import Networks
import Rollouts
import TestSupport
import Testing

/// PrefixGrouper (S038): a prompt computed once for its group.
@Suite struct PrefixGrouperTests {
    /// As without sharing: loss, gradient of every parameter, log-probabilities.
    @Test(arguments: [1, 4, 8]) func sharingChangesNothing(responses: Int) throws {
        var groups = TokenGroups.random(3, responses: max(responses, 2), seed: UInt64(responses), lengths: 1...9)
        for index in groups.indices {
            groups[index].responses = Array(groups[index].responses.prefix(responses))
            groups[index].prompt = (0..<Int32(3 + 4 * index)).map { $0 % 12 }
        }
        let reports = try [1.0, 0].map { shares -> (loss: Float, slopes: [Float], logProb: [Float]) in
            // Alone in its group, a response has no advantage: the likelihood of all gives it a gradient.
            var method = try tokenMethod("prefix-grouper", ["share_prompts": shares])
            method.terms.append(Likelihood(1))
            #expect(method.sharesPrompts == (shares == 1))
            let learner = try TinyLearner.make(method)
            let logProb = learner.evaluate(groups, learner.weights).logProb
            let report = try learner.update(groups, at: Moment(learningRate: 0.01))
            return (report.loss, learner.weights.slopes, logProb)
        }
        let (shared, repeated) = (reports[0], reports[1])
        let size = max(repeated.slopes.map { abs($0) }.max()!, 1)
        #expect(repeated.slopes.contains { abs($0) > 1e-3 })
        #expect(abs(shared.loss - repeated.loss) < 1e-5 * max(1, abs(repeated.loss)))
        #expect(distance(shared.slopes, repeated.slopes) < 1e-5 * size && distance(shared.logProb, repeated.logProb) < 1e-5)
    }

    @Test func itIsGRPO() throws {
        let groups = TokenGroups.random(seed: 9)
        #expect(try tokenMethod("prefix-grouper").gradient(of: groups) == TokenMethod.grpo().gradient(of: groups))
    }
}
