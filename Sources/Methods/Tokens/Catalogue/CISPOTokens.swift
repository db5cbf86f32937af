import Rollouts

/// Clipped importance weights per token (CISPO; B08): l = −sg(clip(r, low, high)) · A · lp. No token loses its gradient; only its weight is
/// bounded.
///
/// A benchmark reports collapses that are driven by tokens with A < 0 and r ≪ 1: `rare_negative_share` tells how many tokens are pushed down
/// although they are rarer already, and responses with A < 0 whose mean of lo − lp is above `sequenceLimit` can be left out.
public struct TokenClippedImportance: TokenTerm {
    public var low: Float
    public var high: Float
    public var sequenceLimit: Float
    public let name = "policy_loss"

    public init(low: Float = 0, high: Float = 5, sequenceLimit: Float = .infinity) {
        precondition(low <= high, "weights from \(low) to \(high)")
        self.low = low
        self.high = high
        self.sequenceLimit = sequenceLimit
    }

    public var deliberateSlope: String? { "score form: the clipped ratio is a constant" }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        for sequence in step.sequences where sequence.length > 0 {
            let drift = -sequence.span.reduce(0) { $0 + step.mask[$1] * step.logRatio($1) } / sequence.length
            for token in sequence.span where step.advantage[token] >= 0 || drift <= sequenceLimit {
                slope.logProb[token] = -min(max(step.ratio(token), low), high) * step.advantage[token]
                slope.loss[token] = slope.logProb[token] * step.logProb[token]
            }
        }
        return slope
    }

    public func metrics(_ step: TokenStep) -> [Metric] {
        let counting = (0..<step.count).filter { step.mask[$0] > 0 }
        let count = Float(max(counting.count, 1))
        return [
            ("clip_fraction", Float(counting.count { step.ratio($0) < low || step.ratio($0) > high }) / count),
            ("rare_negative_share", Float(counting.count { step.ratio($0) < 1 && step.advantage[$0] < 0 }) / count),
        ]
    }
}

extension TokenMethod {
    /// Clipped importance-sampling policy optimisation for token policies (MiniMax, 2025; B08): `TokenClippedImportance` with GRPO's advantages,
    /// a token mean, and the dynamic sampling and overlong punishment of DAPO. Nothing bounds the weight from below, as published; the
    /// upper limit is ScaleRL's (they find 4 to 8 alike), since the paper does not tell its own.
    ///
    /// Per token; r, A and lo are constants. Staleness class C.
    public static func cispoTokens(
        _ settings: TokenSettings, clip: TokenClippedImportance = TokenClippedImportance(), overlong: OverlongPunishment = OverlongPunishment()
    ) -> TokenMethod {
        TokenMethod("cispo-tokens", settings, stages: [overlong, GroupRelative()], terms: [clip], aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let cispoTokens = MethodEntry(
        token: "cispo-tokens", summary: "policy gradient weighted by a clipped ratio: no token is dropped",
        paper: "MiniMax 2025, arXiv:2506.13585", paperID: "B08",
        options: TokenSettings.options(leavesOutEqual: true) + OverlongPunishment.options + [
            MethodOption("weight_low", 0, 0...1, "the least weight of a token"),
            MethodOption("weight_high", 5, 1...(.infinity), "the largest weight of a token"),
            MethodOption(
                "sequence_limit", .infinity, 0...(.infinity),
                "responses with a negative advantage are left out when the mean of their log π_prox − log π is above this"),
        ],
        proof: .reversals(
            "No token loses its gradient, so that eight passes over each batch teach more than with a clip.",
            arms: [
                .init("CISPO", ["method.id=cispo-tokens", "method.options.epochs=8"]),
                .init("GRPO", ["method.id=grpo", "method.options.epochs=8"]),
            ], measure: .meanReturn, verdicts: [.better("CISPO", than: "GRPO")])
    ) { option in
        .cispoTokens(
            TokenSettings(option),
            clip: TokenClippedImportance(
                low: option("weight_low"), high: option("weight_high"), sequenceLimit: option("sequence_limit")),
            overlong: OverlongPunishment(option))
    }
}
