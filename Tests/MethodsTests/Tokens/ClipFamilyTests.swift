import Methods
import Rollouts
import TestSupport
import Testing

/// DAPO (B05), Dr. GRPO (B06), GSPO (B07), CISPO (B08), GRPO-D (S039) and Lite PPO (S197).
@Suite struct ClipFamilyTests {
    private func gradient(_ method: TokenMethod, _ groups: [ResponseGroup], progress: Double = 0.5, distance: Float = 0.3) -> [Float] {
        let work = TokenGroups.work(groups, for: method, progress: progress)
        return TokenGroups.gradient(method, TokenStep(work, logProb: TokenGroups.moved(work, by: distance)))
    }

    @Test func overlongPunishment() {
        let punishment = OverlongPunishment(longest: 20, cache: 8)
        let table: [(Float, Float)] = [(0, 0), (11, 0), (12, 0), (14, -0.25), (16, -0.5), (18, -0.75), (20, -1), (21, -1), (900, -1)]
        for (length, value) in table { #expect(punishment.punishment(length) == value) }
        // Tokens that the environment appended do not count.
        var response = TokenGroups.response(1, length: 18)
        for place in 3..<5 { response.roles[place] = .environment }
        var work = TokenGroups.work([ResponseGroup(task: 0, prompt: [0], responses: [response, TokenGroups.response(1, length: 18)])])
        punishment.apply(&work)
        #expect(work.reward == [0.5, 0.25])
    }

    @Test func dapoWithoutItsPartsIsGRPO() {
        let groups = TokenGroups.random(seed: 3)
        var settings = TokenSettings()
        settings.plan.leavesOutEqual = true
        let dapo = TokenMethod.dapo(settings, overlong: nil, clip: TokenClip())
        var grpo = TokenMethod.grpo()
        grpo.aggregate = .tokenMean
        #expect(gradient(dapo, groups) == gradient(grpo, groups))
        let higher = TokenMethod.dapo(settings, overlong: nil)
        let (wide, narrow) = (gradient(higher, groups), gradient(dapo, groups))
        #expect(wide != narrow && zip(wide, narrow).allSatisfy { $1 == 0 || $0 == $1 })
        #expect((MethodCatalogue.tokens.first { $0.id == "dapo" }!.defaults as! TokenMethod).plan.leavesOutEqual)
    }

    @Test func cutResponsesCanBeFiltered() {
        let groups = [
            ResponseGroup(
                task: 0, prompt: [0], responses: [TokenGroups.response(1), TokenGroups.response(0, length: 5, end: .length), TokenGroups.response(0)])
        ]
        let method = TokenMethod.dapo(TokenSettings(), filtersCut: true)
        let found = gradient(method, groups, distance: 0.1)
        #expect(found[3..<8].allSatisfy { $0 == 0 })
        // Its reward is still in the group's mean: A of the first is that of 1 success in 3. And the mean is over 6 tokens, not 11.
        let work = TokenGroups.work(groups, for: method)
        #expect(abs(work.advantage[0] - (2.0 / 3) / (1.0 / 3).squareRoot()) < 1e-4 && work.mask.reduce(0, +) == 6)
    }

    @Test func drGRPOIsScaledRLOO() {
        let (groups, length) = ([TokenGroups.random(1, responses: 5, seed: 6)[0]], Float(40))
        let work = TokenGroups.work(groups, for: .drGRPO(length: length))
        let here = TokenGroups.gradient(.drGRPO(length: length), TokenStep(work, logProb: work.proximal))
        let other = TokenGroups.work(groups, for: .rloo())
        let rloo = TokenGroups.gradient(.rloo(), TokenStep(other, logProb: other.proximal))
        for (one, two) in zip(here, rloo) { #expect(abs(one - two * (4.0 / 5) / length) < 1e-7) }
        // No deviation and no length: one token of a short response moves as one of a long response.
        let ragged = ResponseGroup(
            task: 0, prompt: [0],
            responses: [TokenGroups.response(0, length: 2), TokenGroups.response(0, length: 9), TokenGroups.response(1)])
        let slopes = gradient(.drGRPO(length: length), [ragged], distance: 0)
        #expect(slopes[0] == slopes[5] && slopes[0] > 0)
    }

    @Test func gspoOfSingleTokensIsGRPO() {
        let groups = TokenGroups.random(seed: 4, lengths: 1...1)
        let clip = TokenMethod.grpo(clip: TokenClip(low: 0.1, high: 0.15))
        #expect(gradient(.gspo(clip: SequenceClip(low: 0.1, high: 0.15)), groups) == gradient(clip, groups))
    }

    @Test(arguments: [false, true]) func gspoClipsWholeResponses(perToken: Bool) {
        let clip = SequenceClip(low: 0.05, high: 0.08, perToken: perToken)
        let work = TokenGroups.work(TokenGroups.random(seed: 12, lengths: 2...7), for: .gspo(clip: clip))
        let logProb = TokenGroups.moved(work, by: 0.3)
        let step = TokenStep(work, logProb: logProb)
        let found = TokenGroups.gradient(.gspo(clip: clip), step)
        let counting = step.sequences.filter { $0.length > 0 }
        var clippedResponses = 0
        for sequence in counting {
            let tokens = sequence.span.filter { work.mask[$0] > 0 }
            let mean = tokens.reduce(0.0) { $0 + Double(logProb[$1] - work.proximal[$1]) } / Double(tokens.count)
            let (s, a) = (expOf(mean), Double(work.advantage[tokens[0]]))
            let isClipped = a > 0 ? s > 1.08 : s < 0.95
            clippedResponses += isClipped ? 1 : 0
            for token in sequence.span {
                let expected = work.mask[token] == 0 || isClipped ? 0 : -s * a / Double(tokens.count * counting.count)
                #expect(abs(Double(found[token]) - expected) < 1e-6)
            }
        }
        #expect(clippedResponses > 0 && clippedResponses < counting.count)
        #expect(clip.metrics(step)[0].value == Float(clippedResponses) / Float(counting.count))
        // The same bits in both forms.
        #expect(found == TokenGroups.gradient(.gspo(clip: SequenceClip(low: 0.05, high: 0.08, perToken: !perToken)), step))
    }

    @Test func gspoIsFiniteFarAway() {
        let work = TokenGroups.work([TokenGroups.group([1, 0])], for: .gspo())
        let step = TokenStep(work, logProb: work.proximal.map { $0 + 15 })
        let slope = SequenceClip().slope(step)
        #expect(abs(slope.loss[3] / (Float(expOf(10)) * -work.advantage[3]) - 1) < 1e-5 && slope.logProb.allSatisfy { $0 == 0 })
    }

    @Test func cispoKeepsEveryToken() {
        let groups = TokenGroups.random(seed: 2)
        let method = TokenMethod.cispoTokens(TokenSettings(), clip: TokenClippedImportance(low: 0.8, high: 1.2))
        let work = TokenGroups.work(groups, for: method)
        func step(_ distance: Float) -> TokenStep { TokenStep(work, logProb: TokenGroups.moved(work, by: distance)) }
        let plain = TokenMethod("plain", stages: [], terms: [TokenPolicyGradient()], aggregate: .tokenMean)
        #expect(TokenGroups.gradient(method, step(0)) == TokenGroups.gradient(plain, step(0)))
        let (away, slope) = (step(0.5), TokenClippedImportance(low: 0.8, high: 1.2).slope(step(0.5)).logProb)
        let proximal = TokenClip().slope(away).logProb
        for token in 0..<away.count {
            let (ratio, advantage) = (away.ratio(token), away.advantage[token])
            #expect(slope[token] == -min(max(ratio, 0.8), 1.2) * advantage)
            if (0.8...1.2).contains(ratio) { #expect(slope[token] == proximal[token]) }
            if ratio > 1.2, advantage > 0 { #expect(proximal[token] == 0 && slope[token] == -1.2 * advantage) }
        }
        #expect(TokenClippedImportance().slope(step(0.5)).logProb.enumerated().allSatisfy { $1 == -away.ratio($0) * away.advantage[$0] })
    }

    @Test func cispoLeavesOutWhatIsRareAndBad() {
        let work = TokenGroups.work([TokenGroups.group([1, 0, 0])], for: .cispoTokens(TokenSettings()))
        var logProb = work.proximal
        for token in [3, 4, 5] { logProb[token] -= 0.5 }
        let step = TokenStep(work, logProb: logProb)
        let slope = TokenClippedImportance(sequenceLimit: 0.4).slope(step).logProb
        #expect(slope[3..<6].allSatisfy { $0 == 0 } && slope[..<3].allSatisfy { $0 < 0 } && slope[6...].allSatisfy { $0 > 0 })
        let metrics = TokenClippedImportance().metrics(step)
        #expect(metrics.first { $0.name == "rare_negative_share" }!.value == 3.0 / 9)
    }

    @Test func divergenceSchedule() {
        let schedule = DivergenceSchedule(low: 0.04, high: 0.1, exploring: 0.3)
        for (progress, value) in [(0, 0.07), (0.15, 0.055), (0.3, 0.04), (0.65, 0.07), (1, 0.1)] as [(Double, Float)] {
            #expect(abs(schedule(progress) - value) < 1e-6)
        }
        #expect(DivergenceSchedule(exploring: 0)(0) == 0 && DivergenceSchedule(exploring: 1)(1) == 0)
        let groups = TokenGroups.random(seed: 7)
        for progress in [0, 0.3, 1] {
            let constant = TokenMethod.grpoD(schedule: DivergenceSchedule(low: 0.04, high: 0.04))
            #expect(gradient(constant, groups, progress: progress) == gradient(.grpo(beta: 0.04), groups, progress: progress))
        }
        let rising = TokenMethod.grpoD(schedule: DivergenceSchedule(low: 0, high: 0.1))
        #expect(gradient(rising, groups, progress: 1) == gradient(.grpo(beta: 0.1), groups))
        #expect(gradient(rising, groups, progress: 0.3) == gradient(.grpo(), groups))
    }

    /// A batch whose groups have one mean has the groups' deviation but for the count: n − 1 of each group, N − 1 of all.
    @Test func litePPOOfEqualGroups() {
        let groups = (0..<3).map { TokenGroups.group($0 == 1 ? [0, 1, 1, 0] : [1, 0, 0, 1], task: UInt32($0)) }
        let (lite, grpo) = (TokenGroups.work(groups, for: .litePPO()).advantage, TokenGroups.work(groups, for: .grpo()).advantage)
        let factor = ((1.0 / 3) / (3.0 / 11)).squareRoot()
        for (one, other) in zip(lite, grpo) { #expect(abs(Double(one) - Double(other) * factor) < 1e-4) }
        // Where groups are skewed, a group's own deviation makes more of little.
        let skewed = [TokenGroups.group([1, 1, 1, 0.9]), TokenGroups.group([1, 0, 1, 0], task: 1)]
        let (batch, group) = (TokenGroups.work(skewed, for: .litePPO()).advantage, TokenGroups.work(skewed, for: .grpo()).advantage)
        #expect(abs(batch[9]) < 0.3 && abs(group[9]) > 1.4)
    }
}
