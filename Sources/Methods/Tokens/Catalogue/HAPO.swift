import Rollouts

/// How unsure the policy is of every token, and what follows for advantages and clips (HAPO; S110).
///
/// hh ∈ [−1, 1], 0 at the 0.8-quantile of log entropies: see `AdaptiveTemperature` (dividing by the root mean square first, as the paper does,
/// cancels in its second normalisation). A = (R − mean) / (std + 1e-6) with mean and population deviation over all *tokens* of the group; if any |A| ≥ 5
/// in a group, GRPO's. The clip's limits: hh ≤ 0: ε'_lo = ε_lo (1 − α hh); hh > 0: ε'_hi = ε_hi (1 + α hh).
///
/// Kept for actors: "hapo.entropy" of the run, [pivot, above, below].
public struct TokenHeterogeneity: TokenStage {
    public var low: Float = 0.2, high: Float = 0.2
    /// α
    public var clipStrength: Float = 1
    public var quantile: Float = 0.8
    /// False: as the released code, which loses the sign of low entropies, so that hh ≥ 0 everywhere.
    public var isSigned = true

    static let signal = "heterogeneity"
    static let record = "hapo.entropy"

    public init() {}

    public var needs: TokenNeeds { .start }

    public func apply(_ work: inout TokenWork) {
        for group in work.batch.groups.indices { credit(group, &work) }
        let counting = (0..<work.batch.count).filter { work.mask[$0] > 0 }
        guard !counting.isEmpty else { return }
        let sorted = counting.map { AdaptiveTemperature.logEntropy(work.entropy[$0]) }.sorted()
        let place = quantile * Float(sorted.count - 1)
        let (left, part) = (Int(place), place - Float(Int(place)))
        let pivot = sorted[left] + part * (sorted[min(left + 1, sorted.count - 1)] - sorted[left])
        let scale = AdaptiveTemperature(strength: 0, pivot: pivot, above: sorted.last! - pivot, below: pivot - sorted[0])
        work.keep([scale.pivot, scale.above, scale.below], of: TaskRecords.run, TokenHeterogeneity.record)
        let heterogeneity = work.entropy.map { isSigned ? scale.heterogeneity($0) : abs(scale.heterogeneity($0)) }
        work.signals[TokenHeterogeneity.signal] = heterogeneity
        work.lowerBound = heterogeneity.map { 1 - low * ($0 <= 0 ? 1 - clipStrength * $0 : 1) }
        work.upperBound = heterogeneity.map { 1 + high * ($0 > 0 ? 1 + clipStrength * $0 : 1) }
    }

    private func credit(_ group: Int, _ work: inout TokenWork) {
        let judged = work.batch.judged(group)
        let tokens = GroupStatistics(judged.flatMap { [Float](repeating: work.reward[$0], count: Int(work.length($0))) })
        let responses = GroupStatistics(judged.map { work.reward[$0] })
        guard judged.count > 1 else {
            for response in judged { work.setAdvantage(0, of: response) }
            return
        }
        let advantages = judged.map { (work.reward[$0] - tokens.mean) / (tokens.deviation + 1e-6) }
        let isSane = tokens.count > 0 && advantages.allSatisfy { abs($0) < 5 }
        for (response, advantage) in zip(judged, advantages) {
            work.setAdvantage(
                isSane ? advantage : (work.reward[response] - responses.mean) / (responses.sampleDeviation + 1e-6), of: response)
        }
    }
}

/// The proximal clip after advantages have been redistributed (S110): A ← A (1 + β hh) for hh > 0 where r is outside of the band
/// (1 − ε'_lo / 2, 1 + ε'_hi / 2), and for hh ≤ 0 where it is inside. A is constant.
public struct RedistributedClip: TokenTerm {
    public var clip: TokenClip
    /// β
    public var strength: Float
    public let name = "policy_loss"

    public init(_ clip: TokenClip = TokenClip(low: 0.2, high: 0.2, dual: 10), strength: Float = 1) {
        self.clip = clip
        self.strength = strength
    }

    public func slope(_ step: TokenStep) -> TokenSlope { clip.slope(redistributed(step)) }
    public func metrics(_ step: TokenStep) -> [Metric] { clip.metrics(redistributed(step)) }

    private func redistributed(_ step: TokenStep) -> TokenStep {
        guard let heterogeneity = step.signal(TokenHeterogeneity.signal) else { return step }
        var step = step
        for (index, token) in step.tokens.enumerated() {
            let (low, high) = (step.work.lowerBound[token], step.work.upperBound[token])
            let ratio = step.ratio(index)
            let isInside = ratio > 1 - (1 - low) / 2 && ratio < 1 + (high - 1) / 2
            if isInside == (heterogeneity[index] <= 0) { step.advantage[index] *= 1 + strength * heterogeneity[index] }
        }
        return step
    }
}

extension TokenMethod {
    /// Heterogeneous adaptive policy optimisation (HAPO; S110), per token: `TokenHeterogeneity` and `RedistributedClip` (0.2, 0.2, dual 10), a mean
    /// over all tokens, groups with equal rewards left out, temperatures that follow the entropy (τ). Entropies are those of the weights at the
    /// start, constants.
    ///
    /// Differs from the released code, which normalises with a lost sign (`isSigned`). Staleness class C.
    public static func hapo(
        _ settings: TokenSettings = TokenSettings(), stage: TokenHeterogeneity = TokenHeterogeneity(), dual: Float = 10, strength: Float = 1,
        temperature: Float = 0.05
    ) -> TokenMethod {
        var settings = settings
        settings.plan.adaptiveTemperature = temperature
        return TokenMethod(
            "hapo", settings, stages: [stage],
            terms: [RedistributedClip(TokenClip(low: stage.low, high: stage.high, dual: dual), strength: strength)], aggregate: .tokenMean)
    }

    /// What goes to the actors with the weights; nil: temperatures do not follow entropies, or not yet.
    public func adaptiveTemperature(_ records: TaskRecords) -> AdaptiveTemperature? {
        guard plan.adaptiveTemperature > 0, let known = records[TaskRecords.run, TokenHeterogeneity.record] else { return nil }
        return AdaptiveTemperature(strength: plan.adaptiveTemperature, pivot: known[0], above: known[1], below: known[2])
    }
}

extension MethodEntry {
    static let hapo = MethodEntry(
        token: "hapo", summary: "clips, advantages and temperatures that follow each token's entropy",
        paper: "Liu et al. 2025, arXiv:2509.16591", paperID: "S110",
        options: TokenSettings.options(leavesOutEqual: true) + TokenSettings.clipOptions(dual: 10) + [
            MethodOption("clip_strength", 1, 0...10, "α: how far the clip's limits follow the entropy"),
            MethodOption("advantage_strength", 1, 0...1, "β: how far advantages do"),
            MethodOption("temperature_strength", 0.05, 0...1, "τ: how far temperatures do"),
            MethodOption("signed", 1, 0...1, isFlag: true, "0: as the released code, which treats low entropies as high ones"),
        ],
        proof: .reversals(
            "Clips and temperatures that follow entropies keep the entropy up.",
            arms: [
                .init("HAPO", ["method.id=hapo"]),
                .init("DAPO", ["method.id=dapo", "method.options.responses=8"]),
            ], measure: .metric("entropy"), verdicts: [.better("HAPO", than: "DAPO")])
    ) { option in
        var stage = TokenHeterogeneity()
        (stage.low, stage.high, stage.clipStrength) = (option("clip_low"), option("clip_high"), option("clip_strength"))
        stage.isSigned = option.flag("signed")
        return .hapo(
            TokenSettings(option), stage: stage, dual: option("dual_clip"), strength: option("advantage_strength"),
            temperature: option("temperature_strength"))
    }
}
