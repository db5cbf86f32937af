import Tensors

/// IMPACT's surrogate (Luo et al., 2020; B15), per step: max(−R A, −clip(R, 1 − ε, 1 + ε) A) with
///
///     R = min(π / π_t, ρ π / μ)
///
/// where π_t is the target network: a trust region around a policy that moves slowly, whatever acted, with the weight of old data limited.
public struct TargetClip: Objective {
    public var epsilon: Float
    /// ρ: the largest weight μ / π_t.
    public var rho: Float

    public init(epsilon: Float = 0.2, rho: Float = 2) {
        self.epsilon = epsilon
        self.rho = rho
    }

    public func loss(_ step: PolicyStep) -> Tensor {
        let ratio = ratio(step, step.logProb)
        return maximum(-(ratio * step.advantage), -(clamp(ratio, 1 - epsilon, 1 + epsilon) * step.advantage))
    }

    public func clipped(_ step: PolicyStep) -> Tensor? { outside(ratio(step, step.logProb.detached), 1 - epsilon, 1 + epsilon) }

    /// min(μ / π_t, ρ) π / μ
    private func ratio(_ step: PolicyStep, _ logProb: Tensor) -> Tensor {
        let weight = clamp(exp(clamp(step.behaviourLogProb - step.proximalLogProb, -20, 20)), 0, rho)
        return weight * exp(clamp(logProb - step.behaviourLogProb, -20, 20))
    }
}

/// KL(π_t ‖ π) towards the target network, from the actions that μ took: min(π_t / μ, ρ) (r − 1 − log r) with r = π / π_t. Without the limit,
/// the expectation over μ is the divergence, and its gradient that of the divergence, for every distribution of actions.
public struct TargetDivergence: Regularizer {
    public var coefficient: Float
    public var rho: Float

    public init(_ coefficient: Float, rho: Float = 2) {
        self.coefficient = coefficient
        self.rho = rho
    }

    public func loss(_ step: PolicyStep) -> Tensor {
        let weight = clamp(exp(clamp(step.proximalLogProb - step.behaviourLogProb, -20, 20)), 0, rho)
        let logRatio = clamp(step.logProb - step.proximalLogProb, -20, 20)
        return weight * (exp(logRatio) - logRatio - 1)
    }

    public func metric(_ mean: Float) -> Metric { ("target_kl", mean) }
}

extension Method {
    /// Importance-weighted asynchronous architectures with clipped target networks (Luo et al., 2020, IMPACT; B15): `TargetClip` with V-trace
    /// credit under the target network, which is renewed after so many updates, on batches that a circular buffer gives out several times.
    ///
    /// Staleness class C: V-trace corrects the data's age to the target network, and the clip bounds the way from there.
    /// - Parameters:
    ///   - targetEvery: updates between two renewals of the target network.
    ///   - reuses: K, how often each sequence is trained on.
    ///   - bufferSteps: the most environment steps that the buffer holds.
    public static func impact(
        _ settings: ProximalSettings = ProximalSettings(epochs: 1, minibatches: 4), clip: TargetClip = TargetClip(), kl: Float = 0,
        targetEvery: Int = 16, reuses: Int = 2, bufferSteps: Int = 8192
    ) -> Method {
        var method = Method(
            "impact", settings, maxLag: 64, credit: VTrace(lambda: settings.lambda), anchor: .target(every: targetEvery), objective: clip)
        if kl > 0 { method.regularizers.append(TargetDivergence(kl, rho: clip.rho)) }
        var replay = ReplayPlan()
        replay.selector = .fifo
        replay.capacitySteps = bufferSteps
        replay.maximumTimesSampled = reuses
        replay.ratio = Double(reuses)
        method.data = .replayed(replay)
        return method
    }
}

extension MethodEntry {
    static let impact = MethodEntry(
        id: "impact", kind: "actor–critic", summary: "clipped against a slow target network, on batches that are used several times",
        paper: "Luo et al. 2020, arXiv:1912.00167", paperID: "B15",
        options: ProximalSettings.options(epochs: 1) + [
            MethodOption("clip", 0.2, 0...1, "ε: how far the ratio may move before its gradient is cut"),
            MethodOption("rho", 2, 1...(.infinity), "the largest weight of old data, μ/π_t"),
            MethodOption("kl", 0, 0...(.infinity), "coefficient of the divergence from the target network"),
            MethodOption("target_every", 16, 1...1_000_000, isWhole: true, "updates between two renewals of the target network"),
            MethodOption("reuses", 2, 1...1000, isWhole: true, "how often each sequence is trained on"),
            MethodOption("buffer_steps", 8192, 1...1e9, isWhole: true, "the most environment steps that the buffer holds"),
        ],
        proof: Proof(
            claim: "On data that is 8 updates old and used twice, IMPACT learns faster than IMPALA and APPO.",
            run: "cartpole", changes: ["stop.frames=300000"],
            arms: [
                .init("IMPACT, lag 8", ["method.id=impact", "method.options.epochs=2", "method.options.reuses=1"], lag: 8),
                .init("IMPALA, lag 8", ["method.id=vtrace"], lag: 8),
                .init("APPO, lag 8", ["method.id=appo", "method.options.epochs=2", "method.options.clip=0.2"], lag: 8),
            ],
            measure: .meanReturn,
            verdicts: [.better("IMPACT, lag 8", than: "IMPALA, lag 8"), .better("IMPACT, lag 8", than: "APPO, lag 8")])
    ) { option in
        Method.impact(
            ProximalSettings(option), clip: TargetClip(epsilon: option("clip"), rho: option("rho")), kl: option("kl"),
            targetEvery: option.count("target_every"), reuses: option.count("reuses"), bufferSteps: option.count("buffer_steps"))
    }
}
