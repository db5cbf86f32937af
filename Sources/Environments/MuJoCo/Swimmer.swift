import Tensors

/// Swim forward in a viscous fluid with a chain of three links and two joints.
///
/// Gymnasium's `Swimmer-v5` (after Coulom, 2002). Observation: positions without the first two (angles), then velocities. Reward: speed
/// along x in m/s less 0.0001 times the squared norm of the action. Never terminates.
public struct Swimmer: MuJoCoEnvironment {
    public static let id = "Swimmer-v5"
    public static let summary = "swim forward with three links (MuJoCo); 8 observations, 2 continuous actions, solved at 360"
    public static let observationSpace = Space.box(shape: [8], low: -.infinity, high: .infinity)
    public static let actionSpace = Space.box(shape: [2], low: -1, high: 1)
    public static let maxEpisodeSteps: Int? = 1000
    public static let solvedReturn: Float? = 360
    public static let model = MuJoCoModel.load("swimmer.xml", PackageResources.swimmer_xml)

    private static let frames = 4
    private static let seconds = 0.01 * Double(frames)

    public var simulation: MuJoCoSimulation?

    public init() {}

    public static func start(_ state: UnsafeMutableBufferPointer<Double>, _ random: inout RandomStream) {
        addNoise(0.1, to: state, 0..<10, &random)
    }

    public static func observe(_ simulation: MuJoCoSimulation, into observation: UnsafeMutableBufferPointer<Float>) {
        observePositionsAndVelocities(simulation, skipped: 2, into: observation)
    }

    public mutating func step(_ action: UnsafeBufferPointer<Float>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let before = running.position[0]
        running.step(action, frames: Self.frames)
        let speed = (running.position[0] - before) / Self.seconds
        Self.observe(running, into: observation)
        return Step(reward: Float(speed - 0.0001 * squaredNorm(action)), terminated: false)
    }
}
