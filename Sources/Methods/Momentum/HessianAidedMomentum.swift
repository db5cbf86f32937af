/// Momentum whose old gradients are carried to the newest point by second derivatives (Tran & Cutkosky, 2022; for policies Fatkhullin et al.,
/// 2023, "HARPG" and "N-HARPG"; S009):
///
///     d_t = (1 − η_t)(d_{t−1} + B_t (θ_t − θ_{t−1})) + η_t g(θ_t)
///     θ_{t+1} = θ_t + γ_t d_t, or γ_t d_t / |d_t|
///
/// B_t estimates the second derivative at a point drawn uniformly between θ_{t−1} and θ_t, so that B_t (θ_t − θ_{t−1}) is the gradient's change in
/// expectation: exact g and B make d_t the gradient at θ_t for every η.
public struct HessianAidedMomentum: Sendable {
    public let schedule: MomentumSchedule
    public let isNormalized: Bool
    /// t
    public internal(set) var iteration = 0
    /// d_{t−1}, after `transport` carried to θ_t.
    public internal(set) var direction: [Float]
    /// θ_{t−1}
    public internal(set) var previous: [Float]

    public init(_ schedule: MomentumSchedule, isNormalized: Bool, from theta: [Float]) {
        self.schedule = schedule
        self.isNormalized = isNormalized
        direction = Array(repeating: 0, count: theta.count)
        previous = theta
    }

    /// The point with share q of θ_t and 1 − q of θ_{t−1}.
    public func between(_ theta: [Float], q: Float) -> [Float] { zip(theta, previous).map { q * $0 + (1 - q) * $1 } }

    /// θ_t − θ_{t−1}
    public func movement(_ theta: [Float]) -> [Float] { zip(theta, previous).map(-) }

    /// Carries d over the last step.
    /// - Parameter change: B_t (θ_t − θ_{t−1}).
    public mutating func transport(_ change: [Float]) { for k in direction.indices { direction[k] += change[k] } }

    /// One step upwards.
    /// - Parameter gradient: g at θ_t.
    public mutating func step(_ theta: inout [Float], gradient: [Float], rate: Float) {
        let momentum = schedule.momentum(iteration)
        for k in direction.indices { direction[k] = (1 - momentum) * direction[k] + momentum * gradient[k] }
        previous = theta
        let length = Double(schedule.step(iteration, rate: rate))
        let norm = Methods.length(direction)
        let factor = isNormalized ? (norm > 0 ? Float(length / norm) : 0) : Float(length)
        for k in theta.indices { theta[k] += factor * direction[k] }
        iteration += 1
    }
}
