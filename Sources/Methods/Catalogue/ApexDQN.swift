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
            claim: "from random steps along a blind cliffwalk, prioritised replay learns the way where uniform replay does not yet (B17)",
            run: "cartpole", changes: QLearning.cliffwalk,
            arms: [Proof.Arm("prioritised"), Proof.Arm("uniform", ["replay.selector=uniform"])], measure: .finalReturn,
            verdicts: [.better("prioritised", than: "uniform")], seeds: 10)
    ) { option in
        QLearning.apexDQN(
            discount: option("discount"), returnSteps: option.count("n_steps"), isDouble: option.flag("double"),
            huber: option.unlessZero("huber") ?? .infinity, rescales: option.flag("rescale"), targetSteps: option.count("target_steps"),
            priorityMaximum: option("priority_max"),
            exploration: EpsilonLadder(
                base: option("epsilon"), exponent: option("epsilon_exponent"), decayVersions: UInt64(option.count("epsilon_decay"))))
    }
}

extension QLearning {
    /// The run of the proof: single transitions of random actions, some three of which lead behind the last of 16 states, are collected before
    /// anything is learned, so that both arms learn from the same ones; what is measured is the greedy policy.
    fileprivate static let cliffwalk = [
        "method.id=apex-dqn", "environment.id=BlindCliffwalk-v0", "environment.options.length=16", "method.options.n_steps=1",
        "method.options.epsilon=1", "method.options.epsilon_exponent=0", "method.options.target_steps=20", "network.hidden=[32]",
        "actors.unroll=1", "actors.slots=32", "optimizer.learning_rate=0.001", "optimizer.schedule=constant", "replay.ratio=16",
        "replay.minimum_steps=350000", "replay.capacity_steps=1000000", "stop.frames=400000",
    ]
}

extension MethodOption {
    static let priorityMaximum = MethodOption(
        "priority_max", 0.9, 0...1, "η: a sequence's priority is η · max |δ| + (1 − η) · mean |δ| over its steps")
}
