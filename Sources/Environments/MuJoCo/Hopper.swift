import Tensors

/// Hop forward with a flat one-legged robot of four links and three joints.
///
/// Gymnasium's `Hopper-v5` (after Erez, Tassa & Todorov, 2011). Observation: positions without the first (torso's height and angle, joint
/// angles), then velocities cut off at ±10. Reward: forward speed in m/s, plus 1 while healthy, less 0.001 times the squared norm of the
/// action. Terminates when the torso is at most 0.7 m high, leans 0.2 rad or more, or any number but the first two reaches ±100.
public struct Hopper: MuJoCoEnvironment {
    public static let id = "Hopper-v5"
    public static let summary = "hop forward on one leg (MuJoCo); 11 observations, 3 continuous actions, solved at 3800"
    public static let observationSpace = Space.box(shape: [11], low: -.infinity, high: .infinity)
    public static let actionSpace = Space.box(shape: [3], low: -1, high: 1)
    public static let maxEpisodeSteps: Int? = 1000
    public static let solvedReturn: Float? = 3800
    public static let model = MuJoCoModel.load("hopper.xml", PackageResources.hopper_xml)

    private static let frames = 4
    private static let seconds = 0.002 * Double(frames)

    public var simulation: MuJoCoSimulation?

    public init() {}

    public static func start(_ state: UnsafeMutableBufferPointer<Double>, _ random: inout RandomStream) {
        addNoise(0.005, to: state, 0..<12, &random)
    }

    public static func observe(_ simulation: MuJoCoSimulation, into observation: UnsafeMutableBufferPointer<Float>) {
        observePositionsAndVelocities(simulation, skipped: 1, limit: 10, into: observation)
    }

    public mutating func step(_ action: UnsafeBufferPointer<Float>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let before = running.position[0]
        running.step(action, frames: Self.frames)
        let speed = (running.position[0] - before) / Self.seconds
        Self.observe(running, into: observation)
        let healthy = isHealthy
        return Step(reward: Float(speed + (healthy ? 1 : 0) - 0.001 * squaredNorm(action)), terminated: !healthy)
    }

    private var isHealthy: Bool {
        let (position, velocity) = (running.position, running.velocity)
        return position[1] > 0.7 && abs(position[2]) < 0.2 && position[2...].allSatisfy { abs($0) < 100 }
            && velocity.allSatisfy { abs($0) < 100 }
    }
}
