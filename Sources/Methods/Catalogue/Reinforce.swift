extension Method {
    /// REINFORCE (Williams, 1992; B01), per step: −(G − b) log π(a | o), with the returns of the unroll, bootstrapped where it cuts an episode,
    /// and the learned value or nothing as the baseline b. The value function is trained either way: the bootstrap needs it.
    ///
    /// Staleness class C without any correction.
    public static func reinforce(
        discount: Float = 0.99, baseline: Bool = true, entropy: Float = 0.01, value: Float = 0.5, normalizesAdvantages: Bool = false
    ) -> Method {
        Method(
            "reinforce", staleness: .onPolicy(maxLag: 32), discount: discount, credit: MonteCarlo(baseline: baseline),
            normalizesAdvantages: normalizesAdvantages, objective: PolicyGradient(), regularizers: [Entropy(entropy), ValueError(value)],
            aggregate: .stepMean)
    }
}

extension MethodEntry {
    static let reinforce = MethodEntry(
        id: "reinforce", kind: "actor–critic", summary: "policy gradient with the returns of the unroll, with or without a baseline",
        paper: "Williams 1992, Machine Learning 8", paperID: "B01",
        options: [
            .discount, MethodOption("baseline", 1, 0...1, isFlag: true, "1 to subtract the learned value from the returns"), .entropy, .value,
            .normalizesAdvantages(false),
        ],
        proof: Proof(
            claim: "A learned baseline lowers the variance of the gradient, so that the same frames teach more.",
            run: "cartpole", changes: ["stop.frames=300000", "optimizer.learning_rate=0.008"],
            arms: [
                .init("learned value", ["method.id=reinforce"]),
                .init("no baseline", ["method.id=reinforce", "method.options.baseline=0"]),
            ],
            measure: .meanReturn,
            verdicts: [.better("learned value", than: "no baseline")])
    ) { option in
        Method.reinforce(
            discount: option("discount"), baseline: option.flag("baseline"), entropy: option("entropy"), value: option("value"),
            normalizesAdvantages: option.flag("normalize_advantages"))
    }
}
