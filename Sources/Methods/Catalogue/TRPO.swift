extension TrustRegion {
    /// Trust-region policy optimisation (Schulman et al., 2015; C07): of E[r A] + entropy · H with r = π / π_old, the step along the natural
    /// gradient that keeps the mean of KL(π_old ‖ π) over the batch's observations at most `maxKL`, found by halving the step on the exact
    /// divergence and surrogate. A, the targets of V and π_old are constants.
    ///
    /// Staleness class C: the trust region is around the policy at the start of the update, not around μ.
    public static func trpo(
        discount: Float = 0.99, lambda: Float = 0.97, maxKL: Float = 0.01, halvings: Int = 10, damping: Float = 0.1, iterations: Int = 10,
        entropy: Float = 0, valueFit: ValueFit = ValueFit(), normalizesAdvantages: Bool = true
    ) -> TrustRegion {
        TrustRegion(
            .surrogate("trpo", discount: discount, lambda: lambda, entropy: entropy, normalizesAdvantages: normalizesAdvantages),
            step: .search(maxKL, halvings: halvings), damping: damping, iterations: iterations, valueFit: valueFit)
    }
}

extension Method {
    /// E[r A] around the policy at the start of the update, with GAE: what trust regions maximise.
    static func surrogate(_ name: String, discount: Float, lambda: Float, entropy: Float, normalizesAdvantages: Bool) -> Method {
        Method(
            name, staleness: .onPolicy(maxLag: 4), discount: discount, credit: GAE(lambda: lambda),
            normalizesAdvantages: normalizesAdvantages, anchor: .start, objective: RatioSurrogate(), regularizers: [Entropy(entropy)],
            aggregate: .stepMean)
    }
}

extension Proof {
    /// CartPole with 1024 steps in each batch and nothing annealed, for methods that make much of a batch.
    static let largeBatches = [
        "network.separate_value=true", "actors.slots=8", "actors.unroll=128", "optimizer.schedule=constant", "stop.frames=100000",
        "method.options.discount=0.99", "method.options.entropy=0",
    ]
}

extension MethodOption {
    static let damping = MethodOption("damping", 0.1, 0...(.infinity), "added to the diagonal of the Fisher information")
    static let curvatureIterations = MethodOption(
        "cg_iterations", 10, 1...1000, isWhole: true, "steps of the conjugate gradients, each a product with the Fisher information")
    static let valueEpochs = MethodOption("value_epochs", 5, 1...1000, isWhole: true, "how often V is fitted to each batch")
    static let valueMinibatches = MethodOption("value_minibatches", 4, 1...65536, isWhole: true, "gradient steps of one epoch of V")
    static let traceLambda = MethodOption("lambda", 0.97, 0...1, "λ of GAE: 0 one-step errors, 1 the whole unroll")
    static let noEntropy = MethodOption("entropy", 0, 0...10, "coefficient of the entropy bonus")
}

extension MethodEntry {
    static let trpo = MethodEntry(
        id: "trpo", kind: "trust region",
        summary: "natural-gradient steps with a line search that bounds the exact KL; wants network.separate_value",
        paper: "Schulman et al. 2015, arXiv:1502.05477", paperID: "C07",
        options: [
            .discount, .traceLambda, MethodOption("max_kl", 0.01, 1e-8...100, "δ: the largest mean KL(π_old ‖ π) of an update"),
            MethodOption("halvings", 10, 0...50, isWhole: true, "how often a step that fails is halved"), .damping, .curvatureIterations,
            .noEntropy, .valueEpochs, .valueMinibatches, .normalizesAdvantages(true),
        ],
        proof: Proof(
            claim: "Trust-region steps learn from fewer frames than single plain gradient steps on batches of the same size",
            run: "cartpole",
            changes: Proof.largeBatches,
            arms: [
                Proof.Arm("trpo", ["method.id=trpo", "optimizer.learning_rate=0.003"]),
                Proof.Arm(
                    "a2c",
                    [
                        "method.id=a2c", "method.options.lambda=0.97", "method.options.normalize_advantages=1",
                        "optimizer.learning_rate=0.006",
                    ]),
            ],
            measure: .meanReturn, verdicts: [.better("trpo", than: "a2c")])
    ) { option in
        TrustRegion.trpo(
            discount: option("discount"), lambda: option("lambda"), maxKL: option("max_kl"), halvings: option.count("halvings"),
            damping: option("damping"), iterations: option.count("cg_iterations"), entropy: option("entropy"),
            valueFit: ValueFit(epochs: option.count("value_epochs"), minibatches: option.count("value_minibatches")),
            normalizesAdvantages: option.flag("normalize_advantages"))
    }
}
