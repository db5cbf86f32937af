import Methods
import Testing

/// One state that loops for ever with reward 1 (B02): its value is 1 / (1 − γ), wherever episodes and unrolls are cut from outside. An
/// estimator that takes a cut for an end learns less.
@Suite struct TimeLimitTests {
    enum Estimator: CaseIterable {
        case gae, oneStep, nStep, lambdaReturns, monteCarlo, vtrace, leakyVtrace, egae

        /// The value targets of a sequence.
        func targets(_ s: Sequence) -> [Float] {
            func credit(_ credit: any Credit) -> [Float] {
                s.estimate { credit.assign($0, ratios: $1, advantages: $2, valueTargets: $3) }.second
            }
            switch self {
            case .gae: return credit(GAE(lambda: 0.9))
            case .oneStep: return credit(GAE(lambda: 0))
            case .nStep: return credit(GAE(lambda: 1))
            case .lambdaReturns: return s.lambdaReturns(lambda: 0.9)
            case .monteCarlo: return credit(MonteCarlo(baseline: false))
            case .vtrace: return credit(VTrace(lambda: 0.9))
            case .leakyVtrace: return zip(s.leakyVtrace(alpha: 0.5, lambda: 0.9).errors, s.values).map(+)
            case .egae: return credit(EGAE(lambda: 0.9))
            }
        }
    }

    /// The value that is learned from unrolls of 25 steps in which every tenth step is the last of an episode.
    func learned(_ estimator: Estimator, truncates: Bool) -> Float {
        var value: Float = 0
        for _ in 0..<600 {
            var s = Sequence(
                rewards: Array(repeating: 1, count: 25), discounts: Array(repeating: 0.9, count: 25),
                values: Array(repeating: value, count: 26))
            for last in [9, 19] { if truncates { s.truncated[last] = 1 } else { s.discounts[last] = 0 } }
            value += 0.5 * (estimator.targets(s).reduce(0, +) / 25 - value)
        }
        return value
    }

    @Test(arguments: Estimator.allCases) func aCutDoesNotLowerTheValue(_ estimator: Estimator) {
        #expect(abs(learned(estimator, truncates: true) - 10) < 1e-2)
        #expect(learned(estimator, truncates: false) < 9)
    }

    /// What follows a truncation is the value of its own final observation, not of the next episode's first.
    @Test(arguments: Estimator.allCases) func theFinalObservationCounts(_ estimator: Estimator) {
        var s = Sequence(
            rewards: Array(repeating: 0, count: 4), discounts: Array(repeating: 0.5, count: 4), values: [0, 0, 100, 0, 0])
        (s.truncated[1], s.nextValues[1]) = (1, 8)
        #expect(estimator.targets(s)[1] == 4)
    }
}
