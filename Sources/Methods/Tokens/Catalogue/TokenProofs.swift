extension Proof {
    /// Numbers of two to four digits that are told backwards, from a policy that is right three times in ten: 100,000 drawn tokens, in which plain
    /// policy gradients come most of the way.
    static func reversals(
        _ claim: String, changes: [String] = [], arms: [Arm], measure: Measure = .meanReturn, verdicts: [Verdict]
    ) -> Proof {
        Proof(
            claim: claim, run: "chain",
            changes: reversal + ["optimizer.learning_rate=0.0005", "stop.frames=100000"] + changes, arms: arms,
            measure: measure, verdicts: verdicts)
    }

    /// Chains of operations modulo ten, in which a response may work as long as it likes (T3).
    static func chains(
        _ claim: String, changes: [String] = [], arms: [Arm], measure: Measure = .finalReturn, verdicts: [Verdict]
    ) -> Proof { other("chain", claim, ["environment.options.operations=3"] + changes, arms, measure, verdicts) }

    /// The same with a choice of mode as first token.
    static func modes(
        _ claim: String, changes: [String] = [], arms: [Arm], measure: Measure = .finalReturn, verdicts: [Verdict]
    ) -> Proof { other("mode-chain", claim, ["environment.options.operations=3"] + changes, arms, measure, verdicts) }

    /// Tasks with several correct answers of very different probability (T4).
    static func answers(
        _ claim: String, changes: [String] = [], arms: [Arm], measure: Measure = .finalReturn, verdicts: [Verdict]
    ) -> Proof { other("many-answers", claim, changes, arms, measure, verdicts) }

    /// Facts that are looked up in turns.
    static func tools(
        _ claim: String, changes: [String] = [], arms: [Arm], measure: Measure = .finalReturn, verdicts: [Verdict]
    ) -> Proof { other("key-chain", claim, ["environment.options.hops=2", "environment.options.entities=8"] + changes, arms, measure, verdicts) }

    /// The same with data of another age: four gradient steps on each batch, so large that without a correction a lag of eight costs a third of
    /// what is learned.
    static func lagged(_ claim: String, arms: [Arm], verdicts: [Verdict]) -> Proof {
        Proof(
            claim: claim, run: "chain",
            changes: reversal + [
                "method.options.minibatches=4", "tokens.changes=wait", "optimizer.learning_rate=0.001", "stop.frames=200000",
            ], arms: arms, measure: .finalReturn, verdicts: verdicts)
    }

    private static let reversal = [
        "environment.id=reverse", "environment.options.length=4", "method.id=grpo", "tokens.width=32", "warmup.updates=1000", "warmup.batch=128",
        "warmup.learning_rate=0.005", "optimizer.schedule=linear", "stop.evaluation_episodes=256",
    ]

    private static func other(
        _ environment: String, _ claim: String, _ changes: [String], _ arms: [Arm], _ measure: Measure, _ verdicts: [Verdict]
    ) -> Proof {
        Proof(
            claim: claim, run: "chain",
            changes: [
                "environment.id=\(environment)", "method.id=grpo", "tokens.width=32", "warmup.updates=600",
                "warmup.batch=128", "warmup.learning_rate=0.005", "optimizer.learning_rate=0.0005", "stop.frames=300000",
                "stop.evaluation_episodes=256",
            ] + changes, arms: arms, measure: measure, verdicts: verdicts)
    }
}
