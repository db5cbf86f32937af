import Tensors

/// Swing a pendulum up and hold it there with a torque between −2 and 2 N·m that is too weak to lift it at once.
///
/// The dynamics, constants and cost of Gymnasium's `Pendulum-v1` (semi-implicit Euler, g = 10, 0.05 s a step), equal to it step for step:
/// the state in double precision, the torque and its cost in single precision. Observation: cosine and sine of the angle (0 is upright),
/// angular velocity. Reward −(angle² + 0.1 · velocity² + 0.001 · torque²), the angle in −π … π. Episodes never terminate.
public struct Pendulum: RestorableEnvironment {
    public static let id = "Pendulum-v1"
    public static let summary = "swing a pendulum up and hold it; 3 observations, 1 continuous action, rewards -16.3 to 0"
    public static let observationSpace = Space.box(shape: [3], low: [-1, -1, -8], high: [1, 1, 8])
    public static let actionSpace = Space.box(shape: [1], low: -2, high: 2)
    public static let maxEpisodeSteps: Int? = 200

    private static let maxTorque: Float = 2
    private static let maxSpeed = 8.0
    private static let timeStep = 0.05

    private var angle = 0.0
    private var angularVelocity = 0.0
    /// Of `angle`: the next step needs it again.
    private var sine = 0.0

    public init() {}

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        angle = random.uniform(in: -Double.pi ... .pi)
        angularVelocity = random.uniform(in: -1...1)
        write(to: observation)
    }

    @inline(__always)
    public mutating func step(_ action: UnsafeBufferPointer<Float>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let torque = min(max(action[0], -Self.maxTorque), Self.maxTorque)
        let fromUpright = Self.wrapped(angle)
        let cost = fromUpright * fromUpright + 0.1 * (angularVelocity * angularVelocity) + Double(0.001 * (torque * torque))
        // 15 = 3g / 2l, 3 = 3 / ml².
        angularVelocity += (15 * sine + Double(3 * torque)) * Self.timeStep
        angularVelocity = min(max(angularVelocity, -Self.maxSpeed), Self.maxSpeed)
        angle += angularVelocity * Self.timeStep
        write(to: observation)
        return Step(reward: Float(-cost), terminated: false)
    }

    /// Angle, angular velocity.
    public var state: [Double] { [angle, angularVelocity] }

    public mutating func restore(_ state: [Double]) throws(EnvironmentError) {
        try Self.check(state, count: 2)
        (angle, angularVelocity) = (state[0], state[1])
        sine = sineCosineAnywhere(angle).sine
    }

    /// The angle's representative in [−π, π).
    @inline(__always)
    private static func wrapped(_ angle: Double) -> Double {
        let turn = 2 * Double.pi
        var rest = angle + .pi
        // The remainder is exact, and costs more than the rest of the step.
        if abs(rest) >= turn { rest = rest.truncatingRemainder(dividingBy: turn) }
        if rest < 0 { rest += turn }
        return rest - .pi
    }

    @inline(__always)
    private mutating func write(to observation: UnsafeMutableBufferPointer<Float>) {
        let (sine, cosine) = sineCosineAnywhere(angle)
        self.sine = sine
        observation[0] = Float(cosine)
        observation[1] = Float(sine)
        observation[2] = Float(angularVelocity)
    }
}
