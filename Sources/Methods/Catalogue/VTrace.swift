extension Method {
    /// IMPALA's actor–critic with V-trace (Espeholt et al., 2018; B03), per step:
    ///
    ///     −A log π(a | o) + value · ½ (vs − V(o))² − entropy · H(π(· | o))
    ///
    /// A, vs and the ratios ρ are constants (see `vtrace`). Staleness class C: ρ̄ and c̄ bound the correction, the learner bounds the lag.
    /// The paper sums over all steps and trains with RMSProp; here the mean is taken, so that the learning rate does not depend on the
    /// batch's size.
    public static func vtrace(
        discount: Float = 0.99, lambda: Float = 1, rhoBar: Float = 1, cBar: Float = 1, policyRhoBar: Float = 1, entropy: Float = 0.01,
        value: Float = 0.5, normalizesAdvantages: Bool = false
    ) -> Method {
        Method(
            "vtrace", staleness: .onPolicy(maxLag: 32), discount: discount,
            credit: VTrace(lambda: lambda, rhoBar: rhoBar, cBar: cBar, policyRhoBar: policyRhoBar),
            normalizesAdvantages: normalizesAdvantages,
            objective: PolicyGradient(),
            regularizers: [Entropy(entropy), ValueError(value)],
            aggregate: .stepMean)
    }
}

extension MethodEntry {
    static let vtrace = MethodEntry(
        id: "vtrace", kind: "actor–critic", summary: "IMPALA: actor–critic whose targets correct for the age of the data",
        paper: "Espeholt et al. 2018, arXiv:1802.01561", paperID: "B03",
        options: [
            MethodOption("discount", 0.99, 0...1, "γ, the weight of a reward one step later"),
            MethodOption("lambda", 1, 0...1, "how much of later errors reaches a step: 0 one-step targets, 1 the whole unroll"),
            MethodOption("rho_bar", 1, 0...(.infinity), "upper bound of the ratio π/μ in the value target: decides whose value is learned"),
            MethodOption("c_bar", 1, 0...(.infinity), "upper bound of the ratio with which errors travel back in time"),
            MethodOption("rho_pg_bar", 1, 0...(.infinity), "upper bound of the ratio in the policy gradient"),
            MethodOption("entropy", 0.01, 0...10, "coefficient of the entropy bonus"),
            MethodOption("value", 0.5, 0...100, "coefficient of the value error"),
            MethodOption(
                "normalize_advantages", 0, 0...1, isFlag: true, "1 to centre and scale the advantages over the batch, 0 to leave them"),
        ],
        proof: Proof(
            claim: "With V-trace, data that is 16 updates old leaves at least 0.9 of the return; the uncorrected method breaks.",
            run: "cartpole", changes: ["stop.frames=600000", "method.options.lambda=0.95"],
            arms: [
                .init("V-trace, lag 0", ["method.id=vtrace"]),
                .init("V-trace, lag 16", ["method.id=vtrace"], lag: 16),
                .init("A2C, lag 0", ["method.id=a2c"]),
                .init("A2C, lag 16", ["method.id=a2c"], lag: 16),
            ],
            measure: .finalReturn,
            verdicts: [.atLeast(0.9, "V-trace, lag 16", of: "V-trace, lag 0"), .below(0.5, "A2C, lag 16", of: "A2C, lag 0")])
    ) { option in
        Method.vtrace(
            discount: option("discount"), lambda: option("lambda"), rhoBar: option("rho_bar"), cBar: option("c_bar"),
            policyRhoBar: option("rho_pg_bar"), entropy: option("entropy"), value: option("value"),
            normalizesAdvantages: option.flag("normalize_advantages"))
    }
}
