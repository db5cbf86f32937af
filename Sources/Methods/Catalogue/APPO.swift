import Tensors

/// APPO's clip (Petrenko et al., 2020; B13), per step: max(−r A, −clip(r, 1/(1+ε), 1+ε) A) with r = π / μ limited to 0.05 … 20 without a gradient
/// beyond. The band is symmetric in log r.
public struct LogBandClip: Objective {
    public var epsilon: Float
    public init(epsilon: Float = 0.1) { self.epsilon = epsilon }

    public func loss(_ step: PolicyStep) -> Tensor {
        let ratio = clamp(step.ratio, 0.05, 20)
        return maximum(-(ratio * step.advantage), -(clamp(ratio, 1 / (1 + epsilon), 1 + epsilon) * step.advantage))
    }

    public func clipped(_ step: PolicyStep) -> Tensor? { outside(step.detachedRatio, 1 / (1 + epsilon), 1 + epsilon) }
}

extension Method {
    /// Asynchronous PPO as in Sample Factory (Petrenko et al., 2020; B13): the clipped surrogate with the ratio to the policy that acted, in one
    /// pass over minibatches of whole slots, for each of which advantages and targets are computed anew: V-trace, or GAE.
    ///
    /// Sample Factory guesses the value behind an unroll from the last reward; here the learner evaluates its observation. Staleness class
    /// C: V-trace and the clip to μ bound the correction, the learner bounds the lag.
    public static func appo(
        _ settings: ProximalSettings = ProximalSettings(epochs: 1, minibatches: 4), clip: Float = 0.1, corrects: Bool = true,
        renewsCredit: Bool = true, valueClip: Float = .infinity
    ) -> Method {
        var method = Method(
            "appo", settings, maxLag: 32, credit: corrects ? VTrace(lambda: settings.lambda) : GAE(lambda: settings.lambda), anchor: .behaviour,
            objective: LogBandClip(epsilon: clip), valueClip: valueClip)
        method.plan.renewsCredit = renewsCredit
        return method
    }
}

extension MethodEntry {
    static let appo = MethodEntry(
        id: "appo", kind: "actor–critic", summary: "asynchronous PPO: clipped against the policy that acted, credit from V-trace",
        paper: "Petrenko et al. 2020, arXiv:2006.11751", paperID: "B13",
        options: ProximalSettings.options(epochs: 1) + [
            MethodOption("clip", 0.1, 0...(.infinity), "ε: the ratio π/μ keeps its gradient between 1/(1+ε) and 1+ε"),
            MethodOption("vtrace", 1, 0...1, isFlag: true, "1 for V-trace, 0 for GAE"),
            MethodOption("renew_credit", 1, 0...1, isFlag: true, "1 to compute credit anew for every minibatch, 0 once an update"),
            MethodOption("value_clip", 0, 0...(.infinity), "how far V may move from its old value before its gradient is cut; 0: no limit"),
        ],
        proof: Proof(
            claim: "On data that is 8 updates old, APPO with V-trace learns where PPO falls behind.",
            run: "cartpole", changes: ["stop.frames=400000"],
            arms: [
                .init("APPO, lag 8", ["method.id=appo"], lag: 8),
                .init("PPO, lag 8", ["method.id=ppo"], lag: 8),
            ],
            measure: .meanReturn,
            verdicts: [.better("APPO, lag 8", than: "PPO, lag 8")])
    ) { option in
        Method.appo(
            ProximalSettings(option), clip: option("clip"), corrects: option.flag("vtrace"), renewsCredit: option.flag("renew_credit"),
            valueClip: option.unlessZero("value_clip") ?? .infinity)
    }
}
