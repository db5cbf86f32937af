extension TrustRegion {
    /// Natural policy gradient (Kakade, 2001; C07): θ += length · (F + damping)⁻¹ ∇J with the advantages of GAE, without a line search. The length
    /// is such that KL(π_old ‖ π) is `maxKL` as far as it is quadratic (Rajeswaran et al., 2017), or a constant `stepSize`. With a tabular softmax
    /// policy a constant step is π ∝ π_old exp(stepSize · A).
    ///
    /// Staleness class C.
    public static func npg(
        discount: Float = 0.99, lambda: Float = 0.97, maxKL: Float = 0.01, stepSize: Float? = nil, damping: Float = 0.1,
        iterations: Int = 10, entropy: Float = 0, valueFit: ValueFit = ValueFit(), normalizesAdvantages: Bool = true
    ) -> TrustRegion {
        TrustRegion(
            .surrogate("npg", discount: discount, lambda: lambda, entropy: entropy, normalizesAdvantages: normalizesAdvantages),
            step: stepSize.map { .fixed($0) } ?? .divergence(maxKL), damping: damping, iterations: iterations, valueFit: valueFit)
    }
}

extension MethodEntry {
    static let npg = MethodEntry(
        id: "npg", kind: "trust region", summary: "natural policy gradient without a line search; wants network.separate_value",
        paper: "Kakade 2001; Rajeswaran et al. 2017, arXiv:1703.02660", paperID: "C07",
        options: [
            .discount, .traceLambda,
            MethodOption("kl", 0.01, 1e-8...100, "δ: steps are as long as makes KL(π_old ‖ π) about this"),
            MethodOption("step_size", 0, 0...(.infinity), "a constant length of the steps in place of kl; 0: kl decides"), .damping,
            .curvatureIterations, .noEntropy, .valueEpochs, .valueMinibatches, .normalizesAdvantages(true),
        ],
        proof: Proof(
            claim: "The line search costs nothing: TRPO reaches at least nine tenths of NPG's return averaged over training",
            run: "cartpole",
            changes: Proof.largeBatches + ["optimizer.learning_rate=0.003"],
            arms: [Proof.Arm("npg", ["method.id=npg"]), Proof.Arm("trpo", ["method.id=trpo"])],
            measure: .meanReturn, verdicts: [.atLeast(0.9, "trpo", of: "npg")])
    ) { option in
        TrustRegion.npg(
            discount: option("discount"), lambda: option("lambda"), maxKL: option("kl"), stepSize: option.unlessZero("step_size"),
            damping: option("damping"), iterations: option.count("cg_iterations"), entropy: option("entropy"),
            valueFit: ValueFit(epochs: option.count("value_epochs"), minibatches: option.count("value_minibatches")),
            normalizesAdvantages: option.flag("normalize_advantages"))
    }
}
