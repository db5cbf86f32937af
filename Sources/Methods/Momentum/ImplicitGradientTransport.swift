/// Momentum whose old gradients are carried to the newest point by taking new ones ahead of it (Arnold et al., 2019; for policies
/// Fatkhullin et al., 2023, "N-PG-IGT"; S009):
///
///     θ~_t = θ_t + (1 − η_t)/η_t · (θ_t − θ_{t−1})
///     d_t = (1 − η_t) d_{t−1} + η_t g(θ~_t)
///     θ_{t+1} = θ_t + γ_t d_t / |d_t|
///
/// Where the gradient is linear in θ, an exact g makes d_t the gradient at θ_t for every η.
public struct ImplicitGradientTransport: Sendable {
    public let schedule: MomentumSchedule
    /// t
    public internal(set) var iteration = 0
    /// d_{t−1}
    public internal(set) var direction: [Float]
    /// θ_{t−1}
    public internal(set) var previous: [Float]

    public init(_ schedule: MomentumSchedule, from theta: [Float]) {
        self.schedule = schedule
        direction = Array(repeating: 0, count: theta.count)
        previous = theta
    }

    /// θ~_t: where the next gradient is to be taken.
    public func lookahead(_ theta: [Float]) -> [Float] {
        let momentum = schedule.momentum(iteration)
        guard momentum < 1 else { return theta }
        let factor = (1 - momentum) / momentum
        return zip(theta, previous).map { $0 + factor * ($0 - $1) }
    }

    /// One step upwards.
    /// - Parameter gradient: g at `lookahead(theta)`.
    public mutating func step(_ theta: inout [Float], gradient: [Float], rate: Float) {
        let momentum = schedule.momentum(iteration)
        for k in direction.indices { direction[k] = (1 - momentum) * direction[k] + momentum * gradient[k] }
        previous = theta
        let norm = length(direction)
        let factor = norm > 0 ? Float(Double(schedule.step(iteration, rate: rate)) / norm) : 0
        for k in theta.indices { theta[k] += factor * direction[k] }
        iteration += 1
    }
}
