extension Method {
    /// Advantage actor–critic (Mnih et al., 2016; B14), per step: −A log π(a | o) + value · ½ (R − V(o))² − entropy · H(π(· | o)), with n-step
    /// advantages to the end of the unroll (λ = 1).
    ///
    /// Staleness class C with no correction at all: the reference that corrected methods are compared with.
    public static func a2c(
        discount: Float = 0.99, lambda: Float = 1, entropy: Float = 0.01, value: Float = 0.5, normalizesAdvantages: Bool = false
    ) -> Method {
        Method(
            "a2c", staleness: .onPolicy(maxLag: 32), discount: discount, credit: GAE(lambda: lambda),
            normalizesAdvantages: normalizesAdvantages, objective: PolicyGradient(), regularizers: [Entropy(entropy), ValueError(value)],
            aggregate: .stepMean)
    }
}

extension MethodEntry {
    static let a2c = MethodEntry(
        id: "a2c", kind: "actor–critic", summary: "advantage actor–critic: one uncorrected gradient step on each batch",
        paper: "Mnih et al. 2016, arXiv:1602.01783", paperID: "B14",
        options: [
            .discount, MethodOption("lambda", 1, 0...1, "1: n-step advantages to the end of the unroll, as in the paper; less: GAE"), .entropy,
            .value, .normalizesAdvantages(false),
        ],
        proof: Proof(
            claim: "Returns over the whole unroll teach faster than one-step errors.", run: "cartpole",
            changes: ["method.id=a2c", "stop.frames=1000000"],
            arms: [Proof.Arm("n-step", ["method.options.lambda=1"]), Proof.Arm("one-step", ["method.options.lambda=0"])],
            measure: .meanReturn, verdicts: [.better("n-step", than: "one-step")])
    ) { option in
        Method.a2c(
            discount: option("discount"), lambda: option("lambda"), entropy: option("entropy"), value: option("value"),
            normalizesAdvantages: option.flag("normalize_advantages"))
    }
}
