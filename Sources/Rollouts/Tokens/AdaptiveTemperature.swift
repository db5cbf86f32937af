import Glibc

/// The temperature of single tokens: higher where the policy is less sure than elsewhere, lower where it is surer (HAPO, S110).
///
/// With e = log max(H, 1e-8) and the pivot, the 0.8-quantile of e: hh = (e − pivot) / its greatest value above the pivot, or / the size of
/// its least value below, within ± 1; T' = T (1 + τ hh). Pivot and sizes are those of the tokens of the batch before, and come with the weights.
public struct AdaptiveTemperature: Sendable, Hashable {
    /// τ
    public var strength: Float
    public var pivot: Float
    public var above: Float
    public var below: Float

    public init(strength: Float, pivot: Float, above: Float, below: Float) {
        self.strength = strength
        self.pivot = pivot
        self.above = above
        self.below = below
    }

    public static func logEntropy(_ entropy: Float) -> Float { logf(max(entropy, 1e-8)) }

    /// hh of a token whose distribution has this entropy at the plain temperature.
    public func heterogeneity(_ entropy: Float) -> Float {
        let x = AdaptiveTemperature.logEntropy(entropy) - pivot
        let size = x > 0 ? above : below
        return size > 0 ? min(max(x / size, -1), 1) : 0
    }

    /// T'
    public func callAsFunction(_ entropy: Float, temperature: Float) -> Float { temperature * (1 + strength * heterogeneity(entropy)) }
}
