extension Proof {
    /// Sums of numbers of up to two digits, from a policy that is right three times in ten: 64 responses an update, 200,000 drawn tokens.
    static func sums(
        _ claim: String, changes: [String] = [], arms: [Arm], measure: Measure = .finalReturn, verdicts: [Verdict]
    ) -> Proof {
        Proof(
            claim: claim, run: "chain",
            changes: [
                "environment.id=addition", "environment.options.digits=2", "method.id=grpo", "tokens.longest_response=8", "tokens.width=32", "warmup.updates=1000", "warmup.batch=128", "warmup.learning_rate=0.005",
                "optimizer.learning_rate=0.0005", "stop.frames=200000", "stop.evaluation_episodes=256",
            ] + changes, arms: arms, measure: measure, verdicts: verdicts)
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

    /// Numbers of two to four digits that are told backwards, in four gradient steps on each batch, so large that without a correction a lag of
    /// eight costs a third of what is learned: a policy that is right three times in ten comes to be right nearly always in 200,000 drawn tokens.
    static func reversals(_ claim: String, arms: [Arm], verdicts: [Verdict]) -> Proof {
        Proof(
            claim: claim, run: "chain",
            changes: [
                "environment.id=reverse", "environment.options.length=4", "method.id=grpo", "method.options.minibatches=4", "tokens.width=32",
                "tokens.changes=wait", "warmup.updates=1000", "warmup.batch=128", "warmup.learning_rate=0.005", "optimizer.learning_rate=0.001",
                "optimizer.schedule=linear", "stop.frames=200000", "stop.evaluation_episodes=256",
            ], arms: arms, measure: .finalReturn, verdicts: verdicts)
    }

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
