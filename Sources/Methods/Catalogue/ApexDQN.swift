import Networks

extension QLearning {
    /// Ape-X DQN (Horgan et al., 2018; C05) with prioritised replay (Schaul et al., 2016; B17): double n-step targets, a network in two
    /// streams, and a ladder of ε over all slots of all actors. Sequences are drawn in proportion to p^α and weigh (N P)^−β, divided by the
    /// largest weight of the batch.
    ///
    /// What is stored and drawn is a rollout of one slot together with the n − 1 steps before it, so that each step is trained on with
    /// all of its n rewards. The priority of such a sequence is η · max |δ| + (1 − η) · mean |δ| as in R2D2; with `actors.unroll` 1 and
    /// n = 1 it is |δ| of one transition, as in the papers. A new sequence has the largest priority so far (B17) until it is drawn: the
    /// actors do not compute one.
    ///
    /// Per step; the target is a constant. Staleness class A.
    public static func apexDQN(
        discount: Float = 0.99, returnSteps: Int = 3, isDouble: Bool = true, huber: Float = 1, rescales: Bool = false, targetSteps: Int = 200,
        priorityMaximum: Float = 0.9, exploration: EpsilonLadder = EpsilonLadder()
    ) -> QLearning {
        var replay = ReplayPlan()
        replay.selector = .prioritized
        replay.capacitySteps = 100_000
        replay.ratio = 8
        replay.minimumSteps = 1000
        replay.overlap = returnSteps - 1
        return QLearning(
            "apex-dqn", discount: discount, returnSteps: returnSteps, isDouble: isDouble, cost: .huber(huber),
            rescaling: rescales ? ValueRescaling() : nil, targetSteps: targetSteps, priorityMaximum: priorityMaximum, exploration: exploration,
            replay: replay)
    }
}

extension MethodEntry {
    static let apexDQN = MethodEntry(
        id: "apex-dqn", kind: "action values", summary: "Ape-X: double n-step Q-learning, prioritised replay, an ε for each slot",
        paper: "Horgan et al. 2018, arXiv:1803.00933; Schaul et al. 2016, arXiv:1511.05952", paperID: "C05",
        options: [
            .discount, .returnSteps(3), .double(true), .huber,
            MethodOption("rescale", 0, 0...1, isFlag: true, "1 to learn values on the scale sign(x)(√(|x| + 1) − 1) + x/1000"), .targetSteps,
            .priorityMaximum,
        ] + MethodOption.ladder,
        proof: Proof(
            claim: "targets of three steps solve the task in fewer environment steps than targets of one (C05)", run: "cartpole",
            changes: [
                "method.id=apex-dqn", "method.options.discount=0.99", "actors.unroll=4", "optimizer.learning_rate=0.0005",
                "optimizer.schedule=constant", "stop.frames=800000", "stop.return=400",
            ],
            arms: [Proof.Arm("n = 3"), Proof.Arm("n = 1", ["method.options.n_steps=1"])], measure: .framesToReturn,
            verdicts: [.better("n = 3", than: "n = 1")])
    ) { option in
        QLearning.apexDQN(
            discount: option("discount"), returnSteps: option.count("n_steps"), isDouble: option.flag("double"),
            huber: option.unlessZero("huber") ?? .infinity, rescales: option.flag("rescale"), targetSteps: option.count("target_steps"),
            priorityMaximum: option("priority_max"),
            exploration: EpsilonLadder(
                base: option("epsilon"), exponent: option("epsilon_exponent"), decayVersions: UInt64(option.count("epsilon_decay"))))
    }
}

extension MethodOption {
    static let priorityMaximum = MethodOption(
        "priority_max", 0.9, 0...1, "η: a sequence's priority is η · max |δ| + (1 − η) · mean |δ| over its steps")
}
