import Methods
import Rollouts
import Testing

/// DisCO (S157) and DRPO (S070).
@Suite struct GroupContrastTests {
    private func gradient(_ method: TokenMethod, _ groups: [ResponseGroup], distance: Float = 0.3) -> [Float] {
        let work = TokenGroups.work(groups, for: method)
        return TokenGroups.gradient(method, TokenStep(work, logProb: TokenGroups.moved(work, by: distance)))
    }
    private let unlimited = DivergenceHinge(limit: .infinity)

    @Test(arguments: [GroupContrast.Score.logLikelihood, .ratio]) func basicFormIsTheLimit(_ score: GroupContrast.Score) {
        let groups = TokenGroups.random(seed: 3)
        let basic = gradient(.disco(contrast: GroupContrast(score, temperature: .infinity), hinge: unlimited), groups)
        let warm = gradient(.disco(contrast: GroupContrast(score, temperature: 1e5), hinge: unlimited), groups)
        let sharp = gradient(.disco(contrast: GroupContrast(score, temperature: 0.5), hinge: unlimited), groups)
        #expect(zip(basic, warm).allSatisfy { abs($0 - $1) < 1e-6 } && zip(basic, sharp).contains { abs($0 - $1) > 1e-3 })
    }

    /// The basic form on log-probabilities: A = 1 / n⁺ and −1 / n⁻, a mean over tokens and over groups.
    @Test func basicFormWeighsTasksAlike() {
        let method = TokenMethod.disco(contrast: GroupContrast(temperature: .infinity), hinge: unlimited)
        let groups = [TokenGroups.group([1, 0, 0, 0]), TokenGroups.group([1, 1, 1, 0], task: 1), TokenGroups.group([1, 1], task: 2)]
        let found = gradient(method, groups)
        let expected: [Float] = [1, -1.0 / 3, -1.0 / 3, -1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, -1, 0, 0]
        for (token, slope) in found.enumerated() { #expect(abs(slope + expected[token / 3] / 9) < 1e-6) }
    }

    /// J written out, with the true logarithm of the sum of exponentials.
    @Test func valueOfOneGroup() {
        let (scores, isCorrect): ([Float], [Bool]) = ([-0.5, -1.2, -0.7, -2], [true, false, true, false])
        let wrong = (expOf(-1.2 / 0.4) + expOf(-2 / 0.4)) / 2
        let (value, parts) = GroupContrast(temperature: 0.4).contrast(scores, isCorrect, [1, 1, 1, 1])
        #expect(abs(Double(value) - (-0.6 - 0.4 * logOf(wrong))) < 1e-5)
        #expect(abs(Double(parts[1]) + expOf(-3) / (expOf(-3) + expOf(-5))) < 1e-5 && parts[0] == 0.5)
        #expect(abs(parts.reduce(0, +)) < 1e-6)
        #expect(GroupContrast().contrast(scores, [true, true, true, true], [1, 1, 1, 1]).parts == [0, 0, 0, 0])
    }

    @Test func hingeIsFreeBelowItsLimit() {
        let work = TokenGroups.work(TokenGroups.random(seed: 6))
        let count = work.mask.reduce(0, +)
        for distance: Float in [0, 0.0009, 0.0011, 0.2, -0.3] {
            let step = TokenStep(work, logProb: work.proximal.map { $0 - distance })
            let slope = DivergenceHinge(limit: 0.001, coefficient: 1000).slope(step)
            // Published: β₀ max(0, D − δ) is a constant factor of ∇D = −1 / count.
            let factor = 1000 * max(0, Double(distance) - 0.001)
            for token in 0..<step.count where work.mask[token] > 0 {
                #expect(abs(Double(slope.logProb[token]) + factor / Double(count)) < 1e-5 * max(1, factor))
            }
            let value = zip(slope.loss, work.mask).reduce(0.0) { $0 + Double($1.0 * $1.1) }
            #expect(abs(value - factor * factor / 2000) < 1e-4 * max(1, factor))
            #expect(abs(DivergenceHinge().metrics(step)[0].value - distance) < 1e-5)
        }
    }

    @Test func withoutPreferenceDRPOIsDisCO() {
        let groups = TokenGroups.random(seed: 9)
        let endless = TokenMethod.drpo(preference: LengthPreference(lambda: .infinity, longest: 8), temperature: 2)
        #expect(gradient(endless, groups) == gradient(.disco(contrast: GroupContrast(temperature: 2)), groups))
    }

    @Test func shortCorrectResponsesWeighMore() {
        let preference = LengthPreference(lambda: 0.1, longest: 20)
        let lengths: [Float] = [4, 12, 20]
        let written = lengths.map { expOf((1 - Double($0) / 20) / 0.1) }
        for (one, other) in zip(preference.weights(lengths), written) { #expect(abs(Double(one) - other / written.reduce(0, +)) < 1e-6) }
        #expect(preference.weights([17]) == [1] && LengthPreference(lambda: 1e-3, longest: 1).weights([1, 500]) == [1, 0])
        // No correct response is pushed away for its length; a length reward with a group's mean does that.
        let correct = [2, 2, 18].map { TokenGroups.response(1, length: $0) }
        let groups = [ResponseGroup(task: 0, prompt: [0], responses: correct + [TokenGroups.response(0, length: 9)])]
        let slopes = gradient(.drpo(preference: preference, hinge: unlimited), groups)
        #expect(slopes[..<22].allSatisfy { $0 <= 0 } && slopes[22...].allSatisfy { $0 > 0 } && slopes[0] < 9 * slopes[21])
        var settings = TokenSettings()
        settings.plan.responses = 4
        let rewarded = TokenGroups.work(groups, for: .kimi(settings, length: LengthReward(1, warmUp: 0)))
        #expect(rewarded.advantage[10] < 0)
    }
}
