import Methods
import Tensors
import Testing

/// Importance weights of steps and sequences (B09, B10).
@Suite struct CorrectionTests {
    /// Two slots of four steps. Slot 0: an episode of three steps, then the first of another; slot 1: one sequence of four.
    let sequences = Sequences(steps: 4, slots: 2, ends: [0, 0, 0, 0, 1, 0, 0, 0])
    /// log π_prox − log μ, time-major.
    let logRatio: [Float] = [0.5, -0.1, 0.4, 0.2, -0.3, -0.2, 1.2, 0.05]
    var x: Tensor { Tensor(logRatio, [4, 2]) }
    /// The members of each step's sequence.
    let members: [[Int]] = [[0, 2, 4], [1, 3, 5, 7], [0, 2, 4], [1, 3, 5, 7], [0, 2, 4], [1, 3, 5, 7], [6], [1, 3, 5, 7]]

    func level(_ level: ImportanceLevel) -> [Float] {
        members.indices.map { k in
            let all = members[k].map { Double(logRatio[$0]) }
            switch level {
            case .step: return Float(expOf(Double(logRatio[k])))
            case .sequence: return Float(expOf(all.reduce(0, +)))
            case .sequenceMean: return Float(expOf(all.reduce(0, +) / Double(all.count)))
            }
        }
    }

    @Test(arguments: ImportanceLevel.allCases) func truncatedAndMasked(_ level: ImportanceLevel) throws {
        let ratios = self.level(level)
        let truncated = TruncatedImportance(level: level, cap: 1.3)
        #expect(deviation(truncated.weights(x, sequences).values, ratios.map { min($0, 1.3) }) < 1e-6)
        #expect(truncated.truncated(x, sequences)?.values == ratios.map { $0 > 1.3 ? 1 : 0 })
        let masked = MaskedImportance(level: level, low: 0.95, high: 1.3)
        let kept = ratios.map { $0 >= 0.95 && $0 <= 1.3 }
        #expect(deviation(masked.weights(x, sequences).values, zip(ratios, kept).map { $1 ? $0 : 0 }) < 1e-6)
        #expect(masked.truncated(x, sequences)?.values == kept.map { $0 ? 0 : 1 })
        #expect(kept.contains(true) && kept.contains(false))
    }

    @Test(arguments: ImportanceLevel.allCases) func aYoungStepWeighsExactlyOne(_ level: ImportanceLevel) {
        let same = Tensor(zeros: [4, 2])
        let ones = [Float](repeating: 1, count: 8)
        for normalizes in [false, true] {
            #expect(
                TruncatedImportance(level: level, veto: 1e-4, selfNormalizes: normalizes).weights(same, sequences).values == ones)
            #expect(
                MaskedImportance(level: level, low: 0.99, high: 1.001, veto: 1e-4, selfNormalizes: normalizes).weights(same, sequences).values
                    == ones)
        }
    }

    @Test func oneImpossibleStepDropsItsSequence() {
        var logRatio = logRatio
        logRatio[3] = -12
        let x = Tensor(logRatio, [4, 2])
        let slotOne: [Float] = [0, 1, 0, 1, 0, 1, 0, 1]
        for correction in [TruncatedImportance(cap: 9, veto: 1e-4), MaskedImportance(high: 9, veto: 1e-4)] as [any Correction] {
            let weights = correction.weights(x, sequences).values
            for k in 0..<8 { #expect(slotOne[k] == 1 ? weights[k] == 0 : abs(weights[k] - Float(expOf(Double(logRatio[k])))) < 1e-6) }
            #expect(correction.truncated(x, sequences)?.values == slotOne)
        }
    }

    @Test func normalisedWeightsHaveMeanOne() {
        let plain = TruncatedImportance(cap: 1.3).weights(x, sequences).values
        let normalized = TruncatedImportance(cap: 1.3, selfNormalizes: true).weights(x, sequences).values
        let mean = plain.reduce(0, +) / 8
        #expect(deviation(normalized, plain.map { $0 / mean }) < 1e-6)
        // Where everything is left out, nothing is divided by 0.
        let nothing = MaskedImportance(low: 50, high: 60, selfNormalizes: true).weights(x, sequences).values
        #expect(nothing == [Float](repeating: 0, count: 8))
    }

    @Test func metricsSayWhatTheyMean() throws {
        let correction = TruncatedImportance(cap: 1.3)
        let weights = correction.weights(x, sequences)
        let metrics = Dictionary(uniqueKeysWithValues: correction.metrics(x, weights).map { ($0.name, Double($0.value)) })
        let w = weights.values.map(Double.init)
        let (sum, squares) = (w.reduce(0, +), w.reduce(0) { $0 + $1 * $1 })
        #expect(abs(metrics["correction_weight_mean"]! - sum / 8) < 1e-6)
        #expect(abs(metrics["correction_effective_sample_size"]! - sum * sum / (8 * squares)) < 1e-6)
        let kl = logRatio.reduce(0) { $0 + expOf(Double($1)) - 1 - Double($1) } / 8
        #expect(abs(metrics["correction_kl"]! - kl) < 1e-6)
    }

    /// The mean of the weights over μ is 1 before they are limited, and that of weight times reward is π's: the identity that importance
    /// sampling rests on, over all sequences of two steps.
    @Test func productsOverSequencesAreUnbiased() {
        let (mu, pi): ([Double], [Double]) = ([0.7, 0.3], [0.4, 0.6])
        let reward: [[Double]] = [[1, -2], [0.5, 3]]
        var (behaviour, target, weighted) = (0.0, 0.0, 0.0)
        for first in 0..<2 {
            for second in 0..<2 {
                let log = [logOf(pi[first] / mu[first]), logOf(pi[second] / mu[second])].map { Float($0) }
                let weights = TruncatedImportance(level: .sequence, cap: .infinity).weights(
                    Tensor(log, [2, 1]), Sequences(steps: 2, slots: 1, ends: [0, 1])).values
                #expect(weights[0] == weights[1])
                let r = reward[first][second]
                behaviour += mu[first] * mu[second] * r
                target += pi[first] * pi[second] * r
                weighted += mu[first] * mu[second] * Double(weights[0]) * r
            }
        }
        #expect(abs(weighted - target) < 1e-6 && abs(behaviour - target) > 0.1)
    }
}
