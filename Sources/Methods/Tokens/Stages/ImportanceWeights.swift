/// Weights against the age of the data, and against actors that compute in other ways than the learner (B09, B10): constants made of
/// x = log π_prox − log μ, that multiply the objective. Denominators of means do not change.
///
/// x is taken per token, as a sum over a response (the product of the ratios), or as a mean (their geometric mean). TIS: w = min(exp x, high).
/// MIS: w = exp x where low ≤ exp x ≤ high, and 0 elsewhere. All bounds are those of exp x itself, never of its inverse.
public struct ImportanceWeights: TokenStage {
    public enum Limit: Sendable, Hashable {
        case truncate, mask
    }
    public var level: ImportanceLevel
    public var limit: Limit
    /// Used where what lies outside is masked.
    public var low: Float
    public var high: Float
    /// A response with a token whose ratio is below this is left out as a whole; 0: none is.
    public var veto: Float
    /// Weights are divided by their mean over the tokens that count.
    public var selfNormalizes: Bool

    public init(
        _ limit: Limit = .truncate, level: ImportanceLevel = .step, low: Float = 0, high: Float = 2, veto: Float = 0, selfNormalizes: Bool = false
    ) {
        precondition(low <= high, "weights from \(low) to \(high)")
        self.limit = limit
        self.level = level
        self.low = low
        self.high = high
        self.veto = veto
        self.selfNormalizes = selfNormalizes
    }

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        let logRatio = zip(work.proximal, batch.behaviour).map { min(max($0 - $1, -20), 20) }
        var weights = [Float](repeating: 1, count: batch.count)
        var limited = Float(0)
        for response in batch.responses.indices {
            let tokens = batch.spans[response].filter { work.mask[$0] > 0 }
            guard !tokens.isEmpty else { continue }
            let sum = tokens.reduce(0.0) { $0 + Double(logRatio[$1]) }
            let whole = Float(min(max(level == .sequence ? sum : sum / Double(tokens.count), -20), 20))
            let isVetoed = veto > 0 && tokens.contains { exponential(logRatio[$0]) < veto }
            for token in tokens {
                let ratio = exponential(level == .step ? logRatio[token] : whole)
                let isOutside = ratio > high || (limit == .mask && ratio < low)
                weights[token] = isVetoed || (isOutside && limit == .mask) ? 0 : min(ratio, high)
                limited += isVetoed || isOutside ? 1 : 0
            }
        }
        let counting = weights.indices.filter { work.mask[$0] > 0 }
        let count = Float(max(counting.count, 1))
        let mean = counting.reduce(0) { $0 + weights[$1] } / count
        if selfNormalizes, mean > 0 { for token in counting { weights[token] /= mean } }
        for token in counting { work.weight[token] *= weights[token] }
        let told = counting.map { weights[$0] }
        let (first, second) = (told.reduce(0, +) / count, told.reduce(0) { $0 + $1 * $1 } / count)
        work.metrics += [
            ("correction_weight_mean", first),
            ("correction_effective_sample_size", first * first / max(second, .leastNormalMagnitude)),
            ("correction_truncated_share", limited / count),
            // k3 of KL(μ ‖ π_prox), on samples of μ.
            ("correction_kl", counting.reduce(0) { $0 + exponential(logRatio[$1]) - 1 - logRatio[$1] } / count),
        ]
    }
}
