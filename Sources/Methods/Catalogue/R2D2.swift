import Networks

extension QLearning {
    /// Recurrent replay distributed DQN (Kapturowski et al., 2019; B16): double n-step Q-learning of a network with memory on sequences,
    ///
    ///     y_t = h(Σ_{k<n} γᵏ r_{t+k} + γⁿ h⁻¹(Q'(o_{t+n}, argmax Q(o_{t+n}, ·)))),   loss = w · ½ (y_t − Q(o_t, a_t))²
    ///
    /// with the value rescaling h in place of clipped rewards. A sequence is two rollouts of a slot that follow one another; the next one
    /// begins with the second of them. Both networks enter it with the state that the actor had (stored state) and walk through the first
    /// steps without a gradient (burn-in), which brings the state nearer to what the weights of today would have. n-step returns are cut
    /// short by the end of the sequence. Its priority is η · max |δ| + (1 − η) · mean |δ| after the burn-in.
    ///
    /// Per sequence; y is a constant. Staleness class A.
    ///
    /// - Parameter usesStoredState: otherwise sequences are entered with a state of 0.
    public static func r2d2(
        discount: Float = 0.997, returnSteps: Int = 5, burnIn: Int = 8, usesStoredState: Bool = true, rescales: Bool = true,
        targetSteps: Int = 200, priorityMaximum: Float = 0.9, exploration: EpsilonLadder = EpsilonLadder()
    ) -> QLearning {
        var replay = ReplayPlan()
        replay.selector = .prioritized
        (replay.priorityExponent, replay.importanceExponent) = (0.9, 0.6)
        replay.capacitySteps = 100_000
        replay.ratio = 4
        replay.minimumSteps = 1000
        // A whole rollout: the recurrent state is known only where one begins.
        replay.overlap = .max
        replay.burnIn = burnIn
        return QLearning(
            "r2d2", discount: discount, returnSteps: returnSteps, cost: .squared, rescaling: rescales ? ValueRescaling() : nil,
            trainsOnShortReturns: true, targetSteps: targetSteps, priorityMaximum: priorityMaximum, usesStoredState: usesStoredState,
            exploration: exploration, replay: replay)
    }
}

extension MethodEntry {
    static let r2d2 = MethodEntry(
        id: "r2d2", kind: "action values", summary: "R2D2: Q-learning with memory on replayed sequences, stored state and burn-in",
        paper: "Kapturowski et al. 2019, openreview:r1lyTjAqYX", paperID: "B16",
        options: [
            MethodOption("discount", 0.997, 0...1, "γ, the weight of a reward one step later"), .returnSteps(5),
            MethodOption("burn_in", 8, 0...1e6, isWhole: true, "first steps of a sequence that only refresh the memory (replay.burn_in)"),
            MethodOption(
                "stored_state", 1, 0...1, isFlag: true, "1: sequences are entered with the state that the actor had; 0: with a state of 0"),
            MethodOption("rescale", 1, 0...1, isFlag: true, "1 to learn values on the scale sign(x)(√(|x| + 1) − 1) + x/1000"), .targetSteps,
            .priorityMaximum,
        ] + MethodOption.ladder,
        proof: Proof(
            claim: "on a memory task, entering replayed sequences with a state of 0 learns less than with the stored state, and burn-in does not harm",
            run: "cartpole", changes: QLearning.recall,
            arms: [
                Proof.Arm("stored and burn-in"),
                Proof.Arm("stored", ["method.options.burn_in=0"]),
                Proof.Arm("zero", ["method.options.burn_in=0", "method.options.stored_state=0"]),
            ],
            measure: .finalReturn,
            verdicts: [
                .better("stored and burn-in", than: "zero"), .better("stored", than: "zero"), .atLeast(0.95, "stored and burn-in", of: "stored"),
            ], seeds: 10)
    ) { option in
        QLearning.r2d2(
            discount: option("discount"), returnSteps: option.count("n_steps"), burnIn: option.count("burn_in"),
            usesStoredState: option.flag("stored_state"), rescales: option.flag("rescale"), targetSteps: option.count("target_steps"),
            priorityMaximum: option("priority_max"),
            exploration: EpsilonLadder(
                base: option("epsilon"), exponent: option("epsilon_exponent"), decayVersions: UInt64(option.count("epsilon_decay"))))
    }
}

extension QLearning {
    /// The run of the proof: sequences shorter than an episode, so that most of them begin between the cue and the question.
    fileprivate static let recall = [
        "method.id=r2d2", "environment.id=CueRecall-v0", "environment.options.delay=12", "network.memory=gru", "network.memory_width=32",
        "network.hidden=[32]", "actors.slots=32", "actors.unroll=5", "method.options.burn_in=4", "method.options.n_steps=10",
        "replay.priority_exponent=0.6", "optimizer.learning_rate=0.002", "optimizer.schedule=constant", "stop.frames=200000", "stop.return=2",
    ]
}
