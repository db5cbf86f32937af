/// What the proofs of `sac` and `td3` share: Pendulum-v1, one gradient step on 64 transitions for each environment step.
private let pendulum = [
    "replay.sequences=64", "replay.ratio=64", "stop.frames=15000", "stop.return=-250", "stop.episodes=10",
]

/// PPO on the same environment, with the network and the settings that suit it.
private let ppo = Proof.Arm(
    "ppo",
    [
        "method.id=ppo", "method.options={discount: 0.95, entropy: 0, epochs: 10, minibatches: 8}", "network.activation=tanh",
        "network.separate_value=true", "reward.normalize=true", "actors.slots=8", "actors.unroll=128", "optimizer.clip_norm=0.5",
        // The shared settings would make PPO keep a replay, too.
        "replay.ratio=0",
    ])

extension Proof {
    static let sac = Proof(
        claim: "trained on a replay, the policy swings a pendulum up with a fraction of the steps that PPO takes; and with fewer when "
            + "entropy is worth something (α learned) than when it is worth nothing (α = 0)",
        run: "pendulum", changes: pendulum,
        arms: [Arm("sac"), Arm("alpha 0", ["method.options={alpha: 0, learn_alpha: 0}"]), ppo], measure: .framesToReturn,
        verdicts: [.better("sac", than: "ppo"), .better("sac", than: "alpha 0")])

    static let td3 = Proof(
        claim: "trained on a replay, the policy swings a pendulum up with a fraction of the steps that PPO takes, and with fewer than DDPG, "
            + "which believes one critic, at the action itself, and moves the policy with every step",
        run: "pendulum", changes: pendulum,
        arms: [
            Arm("td3", ["method.id=td3"]),
            Arm("ddpg", ["method.id=td3", "method.options={policy_delay: 1, target_noise: 0, clipped_double: 0}"]), ppo,
        ], measure: .framesToReturn, verdicts: [.better("td3", than: "ppo"), .better("td3", than: "ddpg")])
}
