import Rollouts

/// A limit to how far one batch may move the policy, as a squared hinge (DisCO, S157): l = ½ β₀ max(0, D − δ)² with D = mean(lo − lp) over the
/// tokens that count, an estimate of KL(π_prox ‖ π) on samples of π_prox whose gradient is exact.
///
/// Its derivative is the published β₀ max(0, D − δ) · ∇D with that factor held constant.
public struct DivergenceHinge: TokenTerm {
    /// δ
    public var limit: Float
    /// β₀
    public var coefficient: Float
    public let name = "divergence_hinge"

    public init(limit: Float = 1e-4, coefficient: Float = 1000) {
        self.limit = limit
        self.coefficient = coefficient
    }
    public init(_ option: MethodOptions) { self.init(limit: option("delta"), coefficient: option("beta")) }

    public static let options = [
        MethodOption("delta", 1e-4, 0...(.infinity), "δ: the divergence of an update that costs nothing"),
        MethodOption("beta", 1000, 0...(.infinity), "β₀: how steeply more of it costs"),
    ]

    public var seesWholeStep: Bool { true }
    public var aggregate: TokenAggregation? { .sum }
    public var isWeighted: Bool { false }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        let count = max(step.mask.reduce(0, +), 1)
        let excess = max(0, divergence(step) - limit)
        for token in 0..<step.count where step.mask[token] > 0 {
            slope.loss[token] = coefficient * excess * excess / 2 / count
            slope.logProb[token] = -coefficient * excess / count
        }
        return slope
    }

    private func divergence(_ step: TokenStep) -> Float {
        let sum = (0..<step.count).reduce(0.0) { $0 + Double(step.mask[$1] * (step.proximal[$1] - step.logProb[$1])) }
        return Float(sum / Double(max(step.mask.reduce(0, +), 1)))
    }

    public func metrics(_ step: TokenStep) -> [Metric] { [("update_kl", divergence(step))] }
}
