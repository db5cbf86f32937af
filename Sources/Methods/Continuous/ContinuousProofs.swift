/// What the proofs of `sac` and `td3` share: Pendulum-v1 with small networks, one gradient step for each environment step.
private let pendulum = [
    "environment.id=Pendulum-v1", "network.hidden=[64, 64]", "network.activation=relu", "optimizer.learning_rate=0.001",
    "optimizer.schedule=constant", "optimizer.clip_norm=1000000", "actors.count=1", "actors.slots=4", "actors.unroll=8",
    "learner.rollouts_per_update=1", "replay.minimum_steps=1000", "stop.frames=15000", "stop.return=-250",
]

/// PPO on the same environment, with the network and the settings that suit it.
private let ppo = Proof.Arm(
    "ppo",
    [
        "method.id=ppo", "method.options.discount=0.95", "method.options.entropy=0", "method.options.epochs=10",
        "method.options.minibatches=8", "network.activation=tanh", "network.separate_value=true", "reward.normalize=true",
        "actors.slots=8", "actors.unroll=128", "optimizer.clip_norm=0.5",
    ])

extension Proof {
    static let sac = Proof(
        claim: "Trained on a replay, the policy swings a pendulum up with a fraction of the steps that PPO takes; and it takes fewer when "
            + "entropy is worth something (α learned) than when it is worth nothing (α = 0).",
        run: "cartpole", changes: pendulum,
        arms: [
            Arm("sac", ["method.id=sac"]),
            Arm("alpha 0", ["method.id=sac", "method.options.alpha=0", "method.options.learn_alpha=0"]), ppo,
        ], measure: .framesToReturn, verdicts: [.better("sac", than: "ppo"), .better("sac", than: "alpha 0")])

    static let td3 = Proof(
        claim: "Trained on a replay, the policy swings a pendulum up with a fraction of the steps that PPO takes, and with no more than DDPG, "
            + "which believes one critic, at the action itself, and moves the policy with every step.",
        run: "cartpole", changes: pendulum,
        arms: [
            Arm("td3", ["method.id=td3"]),
            Arm(
                "ddpg",
                [
                    "method.id=td3", "method.options.policy_delay=1", "method.options.target_noise=0", "method.options.clipped_double=0",
                ]), ppo,
        ], measure: .framesToReturn, verdicts: [.better("td3", than: "ppo"), .better("td3", than: "ddpg")])
}
