extension Method {
    /// Proximal policy optimisation (Schulman et al., 2017; B02): epochs of minibatches over each batch with the clipped surrogate, GAE, a
    /// value error (clipped, if asked) and an entropy bonus. π_prox is the policy at the start of the update, or the one that acted; A and the
    /// targets come from the values at the start.
    ///
    /// Staleness class C: the clip keeps π near π_prox, so that it sees the age of the data only where π_prox = μ; data should be at most a few
    /// updates old.
    public static func ppo(
        discount: Float = 0.99, lambda: Float = 0.95, clip: Float = 0.2, clipHigh: Float? = nil, dualClip: Float = .infinity, epochs: Int = 4,
        minibatches: Int = 4, entropy: Float = 0.01, value: Float = 0.5, valueClip: Float = .infinity, targetKL: Float? = nil,
        normalizesAdvantages: Bool = true, anchor: Anchor = .start
    ) -> Method {
        Method(
            "ppo", staleness: .onPolicy(maxLag: 4), discount: discount, credit: GAE(lambda: lambda),
            normalizesAdvantages: normalizesAdvantages, anchor: anchor,
            objective: ProximalClip(epsilonLow: clip, epsilonHigh: clipHigh ?? clip, dualClip: dualClip),
            regularizers: [Entropy(entropy), ValueError(value, clip: valueClip)], aggregate: .stepMean,
            plan: UpdatePlan(epochs: epochs, minibatches: minibatches, targetKL: targetKL))
    }
}

extension MethodEntry {
    static let ppo = MethodEntry(
        id: "ppo", kind: "actor–critic", summary: "proximal policy optimisation: several epochs on each batch, clipped",
        paper: "Schulman et al. 2017, arXiv:1707.06347", paperID: "B02",
        options: [
            .discount, .lambda,
            MethodOption("clip", 0.2, 0...1, "ε: how far the ratio π/π_prox may move before its gradient is cut"),
            MethodOption("clip_high", 0, 0...(.infinity), "ε above 1, where it differs from clip; 0: the same"),
            MethodOption("dual_clip", 0, 0...(.infinity), "largest ratio that a step with negative advantage is held against; 0: no limit"),
            .epochs, .minibatches, .entropy, .value,
            MethodOption("value_clip", 0, 0...(.infinity), "how far V may move from its old value before its gradient is cut; 0: no limit"),
            MethodOption("target_kl", 0, 0...(.infinity), "an update ends early at 1.5 times this KL divergence; 0: never"),
            .normalizesAdvantages(true),
            MethodOption(
                "behaviour_anchor", 0, 0...1, isFlag: true, "1: π_prox is the policy that acted, 0: the one at the start of the update"),
        ],
        proof: Proof(
            claim: "Several clipped epochs on each batch need fewer frames than one step of A2C.", run: "cartpole",
            changes: ["stop.frames=1000000"], arms: [Proof.Arm("ppo", ["method.id=ppo"]), Proof.Arm("a2c", ["method.id=a2c"])],
            measure: .framesToReturn, verdicts: [.better("ppo", than: "a2c")])
    ) { option in
        Method.ppo(
            discount: option("discount"), lambda: option("lambda"), clip: option("clip"),
            clipHigh: option.unlessZero("clip_high"), dualClip: option.unlessZero("dual_clip") ?? .infinity, epochs: option.count("epochs"),
            minibatches: option.count("minibatches"), entropy: option("entropy"), value: option("value"),
            valueClip: option.unlessZero("value_clip") ?? .infinity, targetKL: option.unlessZero("target_kl"),
            normalizesAdvantages: option.flag("normalize_advantages"), anchor: option.flag("behaviour_anchor") ? .behaviour : .start)
    }
}
