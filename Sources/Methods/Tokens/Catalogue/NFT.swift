import Rollouts

/// Supervised learning from both outcomes (NFT; S034). The data's policy mixes correct and wrong responses, π_old = p π⁺ + (1 − p) π⁻ with p the
/// share of correct responses in the group. The trained policy stands for π⁺, which fixes what π⁻ must be:
///
///     correct: l = −ω log r,      wrong: l = −ω c log max(x, e),   x = (1 − p r) / (1 − p),   r = exp(lp − lo)
///     ∂l/∂lp:  −ω,                +ω c · p r / ((1 − p) max(x, e))
///
/// Where x is below its floor e, the value stops there but the gradient goes on (straight-through). Per token, or once per response with the
/// product of its ratios. p is within 0.02 … 0.98.
public struct NegativeAwareFit: TokenTerm {
    public enum Weight: Sendable, Hashable {
        /// ω = 1 − p: at r = 1 the gradients are Dr. GRPO's.
        case remainder
        /// ω = √((1 − p) / p): at r = 1 they are GRPO's, with the population's deviation.
        case odds
    }
    public var weight: Weight
    /// c: 0 learns from correct responses alone (RFT).
    public var negative: Float
    /// e
    public var floor: Float
    public var isPerSequence: Bool
    public let name = "policy_loss"

    public init(_ weight: Weight = .remainder, negative: Float = 1, floor: Float = 1, perSequence: Bool = false) {
        self.weight = weight
        self.negative = negative
        self.floor = floor
        isPerSequence = perSequence
    }

    public var deliberateSlope: String? { "straight-through: where the implied negative ratio is below its floor, its gradient goes on" }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        let batch = step.work.batch
        for sequence in step.sequences where sequence.length > 0 {
            let judged = batch.judged(sequence.group)
            guard judged.contains(sequence.response) else { continue }
            let share = Float(judged.count { batch.responses[$0].isCorrect }) / Float(judged.count)
            let isCorrect = batch.responses[sequence.response].isCorrect
            if isPerSequence {
                let sum = sequence.span.reduce(0) { $0 + step.mask[$1] * step.logRatio($1) }
                let (loss, part) = fit(sum, isCorrect, share)
                for token in sequence.span { (slope.loss[token], slope.logProb[token]) = (loss / sequence.length, part) }
            } else {
                for token in sequence.span { (slope.loss[token], slope.logProb[token]) = fit(step.logRatio(token), isCorrect, share) }
            }
        }
        return slope
    }

    /// l and ∂l/∂lp of one ratio.
    public func fit(_ logRatio: Float, _ isCorrect: Bool, _ share: Float) -> (loss: Float, slope: Float) {
        let p = min(max(share, 0.02), 0.98)
        let omega = weight == .remainder ? 1 - p : ((1 - p) / p).squareRoot()
        if isCorrect { return (-omega * logRatio, -omega) }
        // Far beyond the floor: what keeps the gradient finite.
        let ratio = exponential(min(logRatio, 10))
        let kept = max((1 - p * ratio) / (1 - p), floor)
        return (-omega * negative * naturalLogarithm(kept), omega * negative * p * ratio / ((1 - p) * kept))
    }
}

extension TokenMethod {
    /// Negative-aware fine-tuning (Chen et al., 2025, NFT; S034): `NegativeAwareFit` on groups with both outcomes, losses summed over tokens and
    /// divided by responses · L. There is no clip and no divergence from a reference. The advantages, which the objective does not use, are
    /// its gradients at r = 1.
    ///
    /// Staleness class C: lo is the policy that drew the data.
    public static func nft(
        _ settings: TokenSettings, fit: NegativeAwareFit = NegativeAwareFit(), length: Float = 64
    ) -> TokenMethod {
        TokenMethod(
            "nft", settings, stages: [GroupRelative(fit.weight == .remainder ? .none : .group), MixedGroups()], terms: [fit],
            aggregate: .constantLength(length))
    }
}

extension MethodEntry {
    static let nft = MethodEntry(
        token: "nft", summary: "supervised learning from correct and wrong responses", paper: "Chen et al. 2025, arXiv:2505.18116",
        paperID: "S034",
        options: TokenSettings.options(responses: 16, leavesOutEqual: true) + [
            .constantLength,
            MethodOption("odds", 0, 0...1, isFlag: true, "weigh groups by √((1 − p)/p) instead of 1 − p"),
            MethodOption("negative", 1, 0...(.infinity), "c: the weight of wrong responses; 0: only correct ones teach"),
            MethodOption("floor", 1, 1e-3...(.infinity), "e: the least value of the negative policy's ratio in the loss"),
            MethodOption("per_sequence", 0, 0...1, isFlag: true, "one ratio for a whole response"),
        ],
        proof: .reversals(
            "Learning from wrong responses too teaches more than from correct ones alone.",
            arms: [
                .init("NFT", ["method.id=nft", "method.options.responses=8"]),
                .init("RFT", ["method.id=nft", "method.options.responses=8", "method.options.negative=0"]),
            ], verdicts: [.better("NFT", than: "RFT")])
    ) { option in
        .nft(
            TokenSettings(option),
            fit: NegativeAwareFit(
                option.flag("odds") ? .odds : .remainder, negative: option("negative"), floor: option("floor"),
                perSequence: option.flag("per_sequence")),
            length: option("length"))
    }
}
