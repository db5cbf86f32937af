import Networks

extension QLearning {
    /// Deep Q-network (Mnih et al., 2015; C05): one-step targets from a target network, drawn uniformly from a replay, with one ε for all
    /// slots, which falls from 1 in the beginning. `isDouble` makes it double DQN (van Hasselt et al., 2016). The network has two streams
    /// (`QNetwork`).
    ///
    /// Per step; the target is a constant. Staleness class A.
    public static func dqn(
        discount: Float = 0.99, returnSteps: Int = 1, isDouble: Bool = false, huber: Float = 1, targetSteps: Int = 200, epsilon: Float = 0.05,
        decayVersions: UInt64 = 50
    ) -> QLearning {
        var replay = ReplayPlan()
        replay.capacitySteps = 100_000
        replay.ratio = 8
        replay.minimumSteps = 1000
        replay.overlap = returnSteps - 1
        return QLearning(
            "dqn", discount: discount, returnSteps: returnSteps, isDouble: isDouble, cost: .huber(huber), targetSteps: targetSteps,
            exploration: EpsilonLadder(base: epsilon, exponent: 0, decayVersions: decayVersions), replay: replay)
    }
}

extension MethodEntry {
    static let dqn = MethodEntry(
        id: "dqn", kind: "action values", summary: "deep Q-network: one-step targets, uniform replay, one ε for all",
        paper: "Mnih et al. 2015, doi:10.1038/nature14236", paperID: "C05",
        options: [
            .discount, .returnSteps(1), .double(false), .huber, .targetSteps, .epsilon(0.05, "ε: the share of random actions"),
            .epsilonDecay(50),
        ],
        proof: Proof(
            claim: "Training on each step eight times from a replay learns from fewer environment steps than training on it once.",
            run: "cartpole",
            changes: [
                "method.id=dqn", "optimizer.learning_rate=0.001", "optimizer.schedule=constant", "actors.slots=8", "actors.unroll=16",
                "learner.rollouts_per_update=1", "replay.sequences=4", "stop.frames=100000",
            ],
            arms: [Proof.Arm("replayed", ["replay.ratio=8"]), Proof.Arm("once", ["replay.ratio=1"])], measure: .meanReturn,
            verdicts: [.better("replayed", than: "once")])
    ) { option in
        QLearning.dqn(
            discount: option("discount"), returnSteps: option.count("n_steps"), isDouble: option.flag("double"),
            huber: option.unlessZero("huber") ?? .infinity, targetSteps: option.count("target_steps"), epsilon: option("epsilon"),
            decayVersions: UInt64(option.count("epsilon_decay")))
    }
}

/// Options that learners of action values share.
extension MethodOption {
    static let huber = MethodOption("huber", 1, 0...(.infinity), "|δ| from which an error's gradient grows no more; 0: it always grows")
    static let targetSteps = MethodOption("target_steps", 200, 1...1e9, isWhole: true, "gradient steps between copies to the target network")

    static func returnSteps(_ count: Double) -> MethodOption {
        MethodOption("n_steps", count, 1...1000, isWhole: true, "n: rewards that a target adds up before it asks the target network")
    }
    static func double(_ on: Bool) -> MethodOption {
        MethodOption(
            "double", on ? 1 : 0, 0...1, isFlag: true,
            "1: the network in training chooses the action whose value the target network tells; 0: the target network does both")
    }
    static func epsilon(_ value: Double, _ documentation: String) -> MethodOption {
        MethodOption("epsilon", value, 0...1, documentation)
    }
    static func epsilonDecay(_ versions: Double) -> MethodOption {
        MethodOption("epsilon_decay", versions, 0...1e12, isWhole: true, "policy versions over which ε falls from 1 to its own; 0: none")
    }
    static let ladder = [
        epsilon(0.4, "ε of the slot that explores most"),
        MethodOption("epsilon_exponent", 7, 0...1000, "α: slot i of N has ε^(1 + α i / (N − 1)); 0: all have the same ε"),
        epsilonDecay(0),
    ]
}
