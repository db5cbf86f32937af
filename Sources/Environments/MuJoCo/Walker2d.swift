import Tensors

/// Walk forward with a flat two-legged robot of seven links and six joints.
///
/// Gymnasium's `Walker2d-v5` (after Erez, Tassa & Todorov, 2011). Observation: positions without the first (torso's height and angle, joint
/// angles), then velocities cut off at ±10. Reward: forward speed in m/s, plus 1 while healthy, less 0.001 times the squared norm of the
/// action. Terminates unless the torso is between 0.8 and 2 m high and leans less than 1 rad.
public struct Walker2d: MuJoCoEnvironment {
    public static let id = "Walker2d-v5"
    public static let summary = "walk forward on two legs (MuJoCo); 17 observations, 6 continuous actions"
    public static let observationSpace = Space.box(shape: [17], low: -.infinity, high: .infinity)
    public static let actionSpace = Space.box(shape: [6], low: -1, high: 1)
    public static let maxEpisodeSteps: Int? = 1000
    public static let solvedReturn: Float? = nil
    public static let model = MuJoCoModel.load("walker2d.xml", PackageResources.walker2d_xml)

    private static let frames = 4
    private static let seconds = 0.002 * Double(frames)

    public var simulation: MuJoCoSimulation?

    public init() {}

    public static func start(_ state: UnsafeMutableBufferPointer<Double>, _ random: inout RandomStream) {
        addNoise(0.005, to: state, 0..<18, &random)
    }

    public static func observe(_ simulation: MuJoCoSimulation, into observation: UnsafeMutableBufferPointer<Float>) {
        observePositionsAndVelocities(simulation, skipped: 1, limit: 10, into: observation)
    }

    public mutating func step(_ action: UnsafeBufferPointer<Float>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let before = running.position[0]
        running.step(action, frames: Self.frames)
        let speed = (running.position[0] - before) / Self.seconds
        Self.observe(running, into: observation)
        let (height, angle) = (running.position[1], running.position[2])
        let healthy = height > 0.8 && height < 2 && abs(angle) < 1
        return Step(reward: Float(speed + (healthy ? 1 : 0) - 0.001 * squaredNorm(action)), terminated: !healthy)
    }
}
