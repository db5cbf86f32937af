import Tensors

/// Swing the tip of a two-link pendulum above a line with torque −1 (0), 0 (1) or 1 (2) on the joint between the links.
///
/// Sutton (1996), "Generalization in reinforcement learning: successful examples using sparse coarse coding", in the form of Sutton and
/// Barto's book that Gymnasium's `Acrobot-v1` uses: links of length and mass 1, one fourth-order Runge-Kutta step of 0.2 s. Equal to
/// Gymnasium's observations step for step, the state in double precision but for the start of an episode, which Gymnasium rounds to single
/// precision.
/// Observation: cosine and sine of both angles, both angular velocities. Reward −1 for every step but the one that ends the episode.
public struct Acrobot: RestorableEnvironment {
    public static let id = "Acrobot-v1"
    public static let summary = "swing a two-link pendulum above a line; 6 observations, 3 actions, -1 a step, solved at -100"
    public static let observationSpace = Space.box(
        shape: [6], low: [-1, -1, -1, -1, -12.566_371, -28.274_334], high: [1, 1, 1, 1, 12.566_371, 28.274_334])
    public static let actionSpace = Space.discrete(3)
    public static let maxEpisodeSteps: Int? = 500
    public static let solvedReturn: Float? = -100

    private static let timeStep = 0.2
    private static let maxVelocity1 = 4 * Double.pi
    private static let maxVelocity2 = 9 * Double.pi

    /// Angle of the first link (0 hangs down), of the second against the first, and their velocities.
    private var motion = SIMD4<Double>()

    public init() {}

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        for k in 0..<4 { motion[k] = Double(Float(random.uniform(in: -0.1...0.1))) }
        _ = write(to: observation)
    }

    @inline(__always)
    public mutating func step(_ action: Int32, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let torque = Double(action &- 1)
        let step = Self.timeStep
        let half = step / 2
        let k1 = Self.derivative(motion, torque)
        let k2 = Self.derivative(motion + half * k1, torque)
        let k3 = Self.derivative(motion + half * k2, torque)
        let k4 = Self.derivative(motion + step * k3, torque)
        motion += step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

        motion[0] = Self.wrapped(motion[0])
        motion[1] = Self.wrapped(motion[1])
        motion[2] = min(max(motion[2], -Self.maxVelocity1), Self.maxVelocity1)
        motion[3] = min(max(motion[3], -Self.maxVelocity2), Self.maxVelocity2)
        let terminated = write(to: observation)
        return Step(reward: terminated ? 0 : -1, terminated: terminated)
    }

    /// Angle of the first link, angle of the second, their velocities.
    public var state: [Double] { [motion[0], motion[1], motion[2], motion[3]] }

    public mutating func restore(_ state: [Double]) throws(EnvironmentError) {
        try Self.check(state, count: 4)
        motion = SIMD4(state[0], state[1], state[2], state[3])
    }

    /// The equations of motion for links of mass, length and moment of inertia 1 with their centres in the middle. The numbers are
    /// Gymnasium's products of those constants, in its order: another order differs in the last bit.
    @inline(__always)
    private static func derivative(_ motion: SIMD4<Double>, _ torque: Double) -> SIMD4<Double> {
        let (velocity1, velocity2) = (motion[2], motion[3])
        let (sine2, cosine2) = sineCosineAnywhere(motion[1])
        let weight2 = 0.5 * 9.8 * sineCosineAnywhere(motion[0] + motion[1] - .pi / 2).cosine
        let weight1 = 1.5 * 9.8 * sineCosineAnywhere(motion[0] - .pi / 2).cosine
        let inertia1 = 0.25 + (1.25 + cosine2) + 1 + 1
        let inertia2 = 0.25 + 0.5 * cosine2 + 1
        let pull = -0.5 * (velocity2 * velocity2) * sine2 - velocity2 * velocity1 * sine2 + weight1 + weight2
        let acceleration2 =
            (torque + inertia2 / inertia1 * pull - 0.5 * (velocity1 * velocity1) * sine2 - weight2)
            / (1.25 - inertia2 * inertia2 / inertia1)
        let acceleration1 = -(inertia2 * acceleration2 + pull) / inertia1
        return SIMD4(velocity1, velocity2, acceleration1, acceleration2)
    }

    /// The angle's representative in [−π, π].
    @inline(__always)
    private static func wrapped(_ angle: Double) -> Double {
        let turn = 2 * Double.pi
        // A step turns a link a few times at most; a state that was set may be anywhere.
        var angle = abs(angle) < 64 ? angle : angle.remainder(dividingBy: turn)
        while angle > .pi { angle -= turn }
        while angle < -.pi { angle += turn }
        return angle
    }

    /// Whether the tip is above the line, one link's length over the joint that does not move.
    @inline(__always)
    private func write(to observation: UnsafeMutableBufferPointer<Float>) -> Bool {
        let (sine1, cosine1) = sineCosineAnywhere(motion[0])
        let (sine2, cosine2) = sineCosineAnywhere(motion[1])
        observation[0] = Float(cosine1)
        observation[1] = Float(sine1)
        observation[2] = Float(cosine2)
        observation[3] = Float(sine2)
        observation[4] = Float(motion[2])
        observation[5] = Float(motion[3])
        return -cosine1 - sineCosineAnywhere(motion[1] + motion[0]).cosine > 1
    }
}
