extension Method {
    /// Mirror descent policy optimisation, on-policy (Tomar et al., 2022; S019), per step:
    ///
    ///     −r A + (1/t) KL(π(· | o) ‖ π_k(· | o)) + value · ½ (R − V(o))² − entropy · H,  r = π / π_k
    ///
    /// The mirror step to the next policy is only approximated, by `epochs` gradient steps on the same batch: at the first of them the divergence has
    /// no gradient yet, so that one alone is the plain policy gradient. π_k is the policy at the start of the update; A, R and π_k are constants.
    /// The step size t falls from `stepSize` to 0 in a straight line over the run. With tabular policies and enough steps, π ∝ π_k exp(t A).
    ///
    /// Staleness class C: nothing corrects for μ.
    public static func mdpo(
        discount: Float = 0.99, lambda: Float = 0.95, stepSize: Float = 1, annealsStepSize: Bool = true, epochs: Int = 10,
        minibatches: Int = 1, entropy: Float = 0, value: Float = 0.5, normalizesAdvantages: Bool = true
    ) -> Method {
        Method(
            "mdpo", staleness: .onPolicy(maxLag: 4), discount: discount, credit: GAE(lambda: lambda),
            normalizesAdvantages: normalizesAdvantages, anchor: .start, objective: RatioSurrogate(),
            regularizers: [KLDivergence(.reverse, 1 / stepSize, isAnnealed: annealsStepSize), Entropy(entropy), ValueError(value)],
            aggregate: .stepMean, plan: UpdatePlan(epochs: epochs, minibatches: minibatches))
    }
}

extension MethodEntry {
    static let mdpo = MethodEntry(
        id: "mdpo", kind: "actor–critic", summary: "mirror descent: several steps on each batch, held near the old policy by an exact KL",
        paper: "Tomar et al. 2022, arXiv:2005.09814", paperID: "S019",
        options: [
            .discount, .lambda, MethodOption("step_size", 1, 1e-6...1e6, "t: how far a step goes along the advantages; 1/t weighs the KL"),
            MethodOption("anneal", 1, 0...1, isFlag: true, "1 to let t fall to 0 over the run, 0 to keep it"),
            MethodOption("epochs", 10, 1...1000, isWhole: true, "m: gradient steps that approximate a mirror step"),
            MethodOption("minibatches", 1, 1...65536, isWhole: true, "parts of a batch; m counts once for each"), .noEntropy, .value,
            .normalizesAdvantages(true),
        ],
        proof: Proof(
            claim: "Approximating each mirror step by ten gradient steps beats one step, and is as good as PPO's clipped epochs",
            run: "cartpole",
            changes: Proof.largeBatches + ["method.options.value=0.5"],
            arms: [
                Proof.Arm("mdpo", ["method.id=mdpo", "optimizer.learning_rate=0.0015"]),
                Proof.Arm("m = 1", ["method.id=mdpo", "method.options.epochs=1", "optimizer.learning_rate=0.01"]),
                Proof.Arm(
                    "ppo",
                    ["method.id=ppo", "method.options.epochs=10", "method.options.minibatches=1", "optimizer.learning_rate=0.003"]),
            ],
            measure: .meanReturn, verdicts: [.better("mdpo", than: "m = 1"), .atLeast(0.9, "mdpo", of: "ppo")])
    ) { option in
        Method.mdpo(
            discount: option("discount"), lambda: option("lambda"), stepSize: option("step_size"), annealsStepSize: option.flag("anneal"),
            epochs: option.count("epochs"), minibatches: option.count("minibatches"), entropy: option("entropy"), value: option("value"),
            normalizesAdvantages: option.flag("normalize_advantages"))
    }
}
