import Tensors

/// Balance a pole on a cart by pushing the cart left (0) or right (1).
///
/// Barto, Sutton & Anderson (1983), "Neuronlike adaptive elements that can solve difficult learning control problems", with the constants,
/// the explicit Euler step and the limits of Gymnasium's `CartPole-v1`; equal to it step for step: the state is kept in double precision,
/// observations are its single-precision image. Observation: cart position (m), cart velocity (m/s), pole angle (rad), pole angular
/// velocity (rad/s). Reward 1 for every step, the terminating one included.
public struct CartPole: RestorableEnvironment {
    public static let id = "CartPole-v1"
    public static let summary = "balance a pole on a cart; 4 observations, 2 actions, return at most 500"
    public static let observationSpace = Space.box(
        shape: [4], low: [-4.8, -.infinity, -0.418_879_03, -.infinity], high: [4.8, .infinity, 0.418_879_03, .infinity])
    public static let actionSpace = Space.discrete(2)
    public static let maxEpisodeSteps: Int? = 500
    public static let solvedReturn: Float? = 475

    private static let gravity = 9.8
    private static let poleMass = 0.1
    private static let totalMass = 0.1 + 1.0
    /// Half the pole's length, in metres.
    private static let length = 0.5
    private static let poleMassLength = 0.1 * 0.5
    private static let force = 10.0
    /// Seconds between two steps.
    private static let tau = 0.02
    private static let positionLimit = 2.4
    private static let angleLimit = 12 * 2 * Double.pi / 360

    public var position = 0.0
    public var velocity = 0.0
    public var angle = 0.0
    public var angularVelocity = 0.0

    public init() {}

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        position = random.uniform(in: -0.05...0.05)
        velocity = random.uniform(in: -0.05...0.05)
        angle = random.uniform(in: -0.05...0.05)
        angularVelocity = random.uniform(in: -0.05...0.05)
        write(to: observation)
    }

    @inline(__always)
    public mutating func step(_ action: Int32, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let force = action == 1 ? Self.force : -Self.force
        let (sine, cosine) = sineCosine(angle)
        // The order of the operations is Gymnasium's: another one differs in the last bit and the trajectories drift apart.
        let push = (force + Self.poleMassLength * (angularVelocity * angularVelocity) * sine) / Self.totalMass
        let angularAcceleration =
            (Self.gravity * sine - cosine * push) / (Self.length * (4.0 / 3.0 - Self.poleMass * (cosine * cosine) / Self.totalMass))
        let acceleration = push - Self.poleMassLength * angularAcceleration * cosine / Self.totalMass

        position += Self.tau * velocity
        velocity += Self.tau * acceleration
        angle += Self.tau * angularVelocity
        angularVelocity += Self.tau * angularAcceleration
        write(to: observation)
        let terminated =
            position < -Self.positionLimit || position > Self.positionLimit || angle < -Self.angleLimit || angle > Self.angleLimit
        return Step(reward: 1, terminated: terminated)
    }

    /// Position, velocity, angle, angular velocity.
    public var state: [Double] { [position, velocity, angle, angularVelocity] }

    public mutating func restore(_ state: [Double]) throws(EnvironmentError) {
        try Self.check(state, count: 4)
        (position, velocity, angle, angularVelocity) = (state[0], state[1], state[2], state[3])
    }

    @inline(__always)
    private func write(to observation: UnsafeMutableBufferPointer<Float>) {
        observation[0] = Float(position)
        observation[1] = Float(velocity)
        observation[2] = Float(angle)
        observation[3] = Float(angularVelocity)
    }
}
