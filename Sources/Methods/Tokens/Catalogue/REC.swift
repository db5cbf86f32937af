import Rollouts

/// The policy gradient on data of any age, kept within bounds (Yao et al., 2025, REC; S080), per token in score form:
///
///     l = −A W K lp,   r = π / μ (the behaviour policy), W and K constants
///
/// W is how much a token counts, K whether it does. One-sided with W = r, the gradient is that of the proximal clip.
public struct BoundedReinforce: TokenTerm {
    /// K
    public enum Keep: Int, Sendable, Hashable, CaseIterable {
        case all = 0
        /// 1 − ε_lo ≤ r ≤ 1 + ε_hi
        case twoSide
        /// A ≥ 0 and r ≤ 1 + ε_hi, or A ≤ 0 and r ≥ 1 − ε_lo: what the proximal clip keeps.
        case oneSide
        /// Two-sided, and what lies far out on the side to which the advantage pulls back: A ≥ 0 and r ≤ 1 − ε'_lo, or A ≤ 0 and r ≥ 1 + ε'_hi.
        case ring
        /// One-sided, with the geometric mean of a response's ratios in place of each (GSPO).
        case sequenceOneSide
    }
    /// W
    public enum Weight: Int, Sendable, Hashable, CaseIterable {
        case none = 0
        case ratio
        /// clip(r, 1 − ε'_lo, 1 + ε'_hi)
        case clippedRatio
        /// exp(A / temperature) (RED-Weight)
        case exponential
    }
    public var keep: Keep
    public var weight: Weight
    /// ε
    public var low: Float = 0.2, high: Float = 0.2
    /// ε': the outer bounds of the ring and of the clipped weight.
    public var outerLow: Float = 0.6, outerHigh: Float = 2
    public var temperature: Float = 1
    public let name = "policy_loss"

    public init(_ keep: Keep = .oneSide, weight: Weight = .none) {
        self.keep = keep
        self.weight = weight
    }

    public var deliberateSlope: String? {
        weight == .ratio || weight == .clippedRatio ? "score form: the weight is a constant that changes with the ratio" : nil
    }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        for sequence in step.sequences {
            let whole = sequenceRatio(step, sequence)
            for token in sequence.span {
                let advantage = step.advantage[token]
                let ratio = ratio(step, token)
                guard keeps(keep == .sequenceOneSide ? whole : ratio, advantage) else { continue }
                slope.logProb[token] = -advantage * weight(ratio, advantage)
                slope.loss[token] = slope.logProb[token] * step.logProb[token]
            }
        }
        return slope
    }

    private func ratio(_ step: TokenStep, _ token: Int) -> Float { exponential(min(max(step.logProb[token] - step.behaviour[token], -20), 20)) }

    private func sequenceRatio(_ step: TokenStep, _ sequence: TokenStep.Sequence) -> Float {
        let sum = sequence.span.reduce(Float(0)) { $0 + step.mask[$1] * (step.logProb[$1] - step.behaviour[$1]) }
        return exponential(min(max(sum / max(sequence.length, 1), -20), 20))
    }

    public func keeps(_ ratio: Float, _ advantage: Float) -> Bool {
        let inside = ratio >= 1 - low && ratio <= 1 + high
        switch keep {
        case .all: return true
        case .twoSide: return inside
        case .oneSide, .sequenceOneSide: return (advantage >= 0 && ratio <= 1 + high) || (advantage <= 0 && ratio >= 1 - low)
        case .ring: return inside || (advantage >= 0 && ratio <= 1 - outerLow) || (advantage <= 0 && ratio >= 1 + outerHigh)
        }
    }

    public func weight(_ ratio: Float, _ advantage: Float) -> Float {
        switch weight {
        case .none: 1
        case .ratio: ratio
        case .clippedRatio: min(max(ratio, 1 - outerLow), 1 + outerHigh)
        case .exponential: Methods.exponential(min(advantage / temperature, 20))
        }
    }

    public func metrics(_ step: TokenStep) -> [Metric] {
        let counting = (0..<step.count).filter { step.mask[$0] > 0 && step.advantage[$0] != 0 }
        let left = slope(step).logProb
        return [("clip_fraction", Float(counting.count { left[$0] == 0 }) / Float(max(counting.count, 1)))]
    }
}

extension TokenMethod {
    /// Group-relative REINFORCE, seen as a method for data of any age (Yao et al., 2025; S080): A = R − mean of the group, `BoundedReinforce`,
    /// a mean over all tokens. The default is one-sided without importance weights: the clip, not the weight, is what gives GRPO its stability.
    ///
    /// Staleness class A: the consistency that a gradient step strives for holds for responses of any sampler. Wide bounds (0.6, 2) learn
    /// faster from old data.
    public static func rec(
        _ settings: TokenSettings = TokenSettings(), credit: GroupCentered = GroupCentered(), objective: BoundedReinforce = BoundedReinforce(),
        square: Float = 0, likelihood: Float = 0
    ) -> TokenMethod {
        var terms: [any TokenTerm] = [objective]
        if square > 0 { terms.append(BehaviourSquare(square)) }
        if likelihood > 0 { terms.append(Likelihood(likelihood)) }
        return TokenMethod("rec", settings, staleness: .any, stages: [credit], terms: terms, aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let rec = MethodEntry(
        token: "rec", summary: "group-relative REINFORCE for data of any age, kept within bounds", paper: "Yao et al. 2025, arXiv:2509.24203",
        paperID: "S080",
        options: TokenSettings.options() + [
            MethodOption(
                "keep", 2, 0...4, isWhole: true, "which tokens count: 0 all, 1 two-sided, 2 one-sided, 3 ring, 4 one-sided by whole responses"),
            MethodOption("weight", 0, 0...3, isWhole: true, "how much: 0 all alike, 1 the ratio, 2 the clipped ratio, 3 exp(A / temperature)"),
            MethodOption("clip_low", 0.2, 0...1, "ε below: ratios from 1 − ε on are inside"),
            MethodOption("clip_high", 0.2, 0...(.infinity), "ε above: ratios up to 1 + ε are inside"),
            MethodOption("outer_low", 0.6, 0...1, "ε' below, of the ring and the clipped weight"),
            MethodOption("outer_high", 2, 0...(.infinity), "ε' above, of the ring and the clipped weight"),
            MethodOption("temperature", 1, 1e-3...(.infinity), "of the exponential weight"),
            MethodOption("std", 0, 0...1, isFlag: true, "divide by the group's standard deviation"),
            MethodOption("drop", 0, 0...1, isFlag: true, "leave out responses below the mean, at random, where they are more than the others"),
            MethodOption("square", 0, 0...1000, "τ of τ (log π − log μ)²"),
            MethodOption("likelihood", 0, 0...1000, "the coefficient of −log π of all responses"),
        ],
        proof: .lagged(
            "At lag 8 the one-sided clip alone keeps what REINFORCE without a clip loses.",
            arms: [
                .init("one-sided", ["method.id=rec"], lag: 8),
                .init("no clip", ["method.id=rec", "method.options.keep=0"], lag: 8),
            ], verdicts: [.better("one-sided", than: "no clip")])
    ) { option in
        var objective = BoundedReinforce(.init(rawValue: option.count("keep"))!, weight: .init(rawValue: option.count("weight"))!)
        (objective.low, objective.high) = (option("clip_low"), option("clip_high"))
        (objective.outerLow, objective.outerHigh) = (option("outer_low"), option("outer_high"))
        objective.temperature = option("temperature")
        return .rec(
            TokenSettings(option), credit: GroupCentered(scales: option.flag("std"), drops: option.flag("drop")), objective: objective,
            square: option("square"), likelihood: option("likelihood"))
    }
}
