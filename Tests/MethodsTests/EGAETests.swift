import Methods
import Testing

/// EGAE (S037): GAE for sequences that were cut before they were finished.
@Suite struct EGAETests {
    func egae(_ s: Sequence, _ lambda: Float) -> [Float] {
        s.estimate { sequence, _, first, _ in Methods.egae(sequence, lambda: lambda, advantages: first) }.first
    }

    @Test(arguments: [Float(0), 0.7, 0.95, 1]) func isGAEWhereNothingIsCut(lambda: Float) {
        var dice = Dice(state: 12)
        for truncates in [false, true] {
            for _ in 0..<20 {
                var s = Sequence(random: 17, &dice)
                if truncates { s.truncated[16] = 1 } else { s.discounts[16] = 0 }
                #expect(egae(s, lambda) == s.gae(lambda: lambda))
            }
        }
    }

    @Test(arguments: [Float(0.7), 0.95, 1]) func differsByTheValueBehindTheCut(lambda: Float) {
        var dice = Dice(state: 13)
        for discount: Float in [0.9, 1] {
            var s = Sequence(random: 11, discount: discount, ends: 0, &dice)
            s.nextValues[10] = 0.7
            let (cut, known) = (egae(s, lambda), s.gae(lambda: lambda))
            // GAE whose bootstrap is the last value.
            var last = s
            last.nextValues[10] = s.values[10]
            #expect(cut == last.gae(lambda: lambda))
            var weight: Float = 1
            for t in (0..<11).reversed() {
                #expect(abs(known[t] - cut[t] - weight * discount * (0.7 - s.values[10])) < 1e-5)
                weight *= discount * lambda
            }
        }
    }

    @Test func theLastStepOfAnUnfinishedAnswerHasNoAdvantage() {
        // γ = 1 and no reward before the end, as for answers of a language model.
        let s = Sequence(rewards: [0, 0, 0], discounts: [1, 1, 1], values: [0.2, 0.5, 0.4, 9])
        #expect(egae(s, 0.95)[2] == 0)
        #expect(abs(egae(s, 0.95)[1] - -0.1) < 1e-6)
    }
}
