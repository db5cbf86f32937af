import Tensors

/// Balanced clipping (Xi et al., 2025, BAPO; S072): the proximal clip with limits [low, high] that are searched anew for every minibatch, so that
/// steps with positive advantage make up at least a given share of it:
///
///     share = Σ_{A > 0} |c_t| / Σ |c_t|,   c_t = r A of the steps that carry a gradient under these limits
///
/// From [lowFrom, highFrom], `high` grows in steps up to `highTo` while the share is too small, then `low` up to `lowTo`. No state is kept from
/// one minibatch to the next.
///
/// The paper measures by the loss's value, weighted by μ(a | o). By value, raising `low` makes the share of positive steps smaller and not
/// larger, since max(r, low) grows: `measuresValue` is there to compare.
public struct BalancedClip: Objective {
    public var lowFrom: Float = 0.6, lowTo: Float = 0.9, lowStep: Float = 0.02
    public var highFrom: Float = 1.2, highTo: Float = 3, highStep: Float = 0.05
    public var share: Float = 0.4
    /// Infinite: no dual clip.
    public var dualClip: Float = 3
    /// Whether steps count by their loss, clipped or not, instead of by the gradient that they carry.
    public var measuresValue = false
    /// Whether steps count in proportion to μ(a | o).
    public var weighsByProbability = false

    public init() {}

    public func loss(_ step: PolicyStep) -> Tensor { clip(step).loss(step) }

    public func clipped(_ step: PolicyStep) -> Tensor? { clip(step).clipped(step) }

    public func metrics(_ step: PolicyStep) -> [Metric] {
        let (low, high, share) = limits(step)
        return [("clip_low", low), ("clip_high", high), ("positive_share", share)]
    }

    private func clip(_ step: PolicyStep) -> ProximalClip {
        let (low, high, _) = limits(step)
        return ProximalClip(epsilonLow: 1 - low, epsilonHigh: high - 1, dualClip: dualClip)
    }

    private func limits(_ step: PolicyStep) -> (low: Float, high: Float, share: Float) {
        limits(
            ratio: step.detachedRatio.values, advantage: step.advantage.values,
            probability: weighsByProbability ? exp(clamp(step.behaviourLogProb, -80, 80)).values : nil)
    }

    /// The limits that the search ends at, and the positive steps' share under them.
    public func limits(
        ratio: [Float], advantage: [Float], probability: [Float]? = nil
    ) -> (low: Float, high: Float, share: Float) {
        func share(_ low: Float, _ high: Float) -> Float {
            var (positive, all) = (0.0, 0.0)
            for k in ratio.indices {
                let (r, a) = (ratio[k], advantage[k])
                let limited = a > 0 ? min(r, high) : min(max(r, low), dualClip)
                guard measuresValue || limited == r else { continue }
                let contribution = Double(abs(limited * a) * (probability?[k] ?? 1))
                all += contribution
                if a > 0 { positive += contribution }
            }
            // Where nothing counts there is nothing to balance.
            return all > 0 ? Float(positive / all) : 1
        }
        var (low, high) = (lowFrom, highFrom)
        var found = share(low, high)
        while found < self.share, high < highTo || low < lowTo {
            if high < highTo { high = min(high + highStep, highTo) } else { low = min(low + lowStep, lowTo) }
            found = share(low, high)
        }
        return (low, high, found)
    }
}

extension Method {
    /// Balanced policy optimisation with adaptive clipping (Xi et al., 2025; S072): PPO with `BalancedClip`.
    ///
    /// Staleness class C, as PPO.
    public static func bapo(_ settings: ProximalSettings = ProximalSettings(), clip: BalancedClip = BalancedClip()) -> Method {
        Method("bapo", settings, maxLag: 8, objective: clip)
    }
}

extension MethodEntry {
    static let bapo = MethodEntry(
        id: "bapo", kind: "actor–critic", summary: "PPO whose clip adapts until positive advantages have their share of the gradient",
        paper: "Xi et al. 2025, arXiv:2510.18927", paperID: "S072",
        options: ProximalSettings.options() + [
            ProximalSettings.anchorOption,
            MethodOption("low_from", 0.6, 0...1, "where the search for the lower limit begins"),
            MethodOption("low_to", 0.9, 0...1, "the largest lower limit"),
            MethodOption("high_from", 1.2, 1...(.infinity), "where the search for the upper limit begins"),
            MethodOption("high_to", 3, 1...(.infinity), "the largest upper limit"),
            MethodOption("share", 0.4, 0...1, "the least share of steps with positive advantage in the gradient"),
            MethodOption("dual_clip", 3, 0...(.infinity), "largest ratio that a step with negative advantage is held against; 0: no limit"),
            MethodOption("by_value", 0, 0...1, isFlag: true, "1 to measure the share by the loss, as in the paper, 0 by the gradient"),
            MethodOption("by_probability", 0, 0...1, isFlag: true, "1 to count steps in proportion to μ(a | o), as in the paper"),
        ],
        proof: Proof(
            claim: "On old data gone over eight times, balanced limits keep more entropy than PPO's symmetric clip.",
            run: "cartpole",
            changes: [
                "stop.frames=200000", "optimizer.learning_rate=0.001", "optimizer.schedule=constant",
                "method.options.epochs=8", "method.options.behaviour_anchor=1",
            ],
            arms: [
                .init("BAPO, lag 4", ["method.id=bapo"], lag: 4),
                .init("PPO, lag 4", ["method.id=ppo"], lag: 4),
            ],
            measure: .metric("entropy"),
            verdicts: [.better("BAPO, lag 4", than: "PPO, lag 4")], seeds: 10)
    ) { option in
        var clip = BalancedClip()
        (clip.lowFrom, clip.lowTo) = (option("low_from"), option("low_to"))
        (clip.highFrom, clip.highTo) = (option("high_from"), option("high_to"))
        clip.share = option("share")
        clip.dualClip = option.unlessZero("dual_clip") ?? .infinity
        clip.measuresValue = option.flag("by_value")
        clip.weighsByProbability = option.flag("by_probability")
        return Method.bapo(ProximalSettings(anchored: option), clip: clip)
    }
}
