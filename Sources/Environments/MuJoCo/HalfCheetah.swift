import Tensors

/// Run forward with a flat two-legged animal of seven links and six joints.
///
/// Gymnasium's `HalfCheetah-v5` (after Wawrzyński, 2009). Observation: positions without the first (torso's height and angle, joint
/// angles), then velocities. Reward: forward speed in m/s less 0.1 times the squared norm of the action. Never terminates.
public struct HalfCheetah: MuJoCoEnvironment {
    public static let id = "HalfCheetah-v5"
    public static let summary = "run forward on two legs (MuJoCo); 17 observations, 6 continuous actions, solved at 4800"
    public static let observationSpace = Space.box(shape: [17], low: -.infinity, high: .infinity)
    public static let actionSpace = Space.box(shape: [6], low: -1, high: 1)
    public static let maxEpisodeSteps: Int? = 1000
    public static let solvedReturn: Float? = 4800
    public static let model = MuJoCoModel.load("half_cheetah.xml", PackageResources.half_cheetah_xml)

    private static let frames = 5
    private static let seconds = 0.01 * Double(frames)

    public var simulation: MuJoCoSimulation?

    public init() {}

    public static func start(_ state: UnsafeMutableBufferPointer<Double>, _ random: inout RandomStream) {
        addNoise(0.1, to: state, 0..<9, &random)
        addNormalNoise(0.1, to: state, 9..<18, &random)
    }

    public static func observe(_ simulation: MuJoCoSimulation, into observation: UnsafeMutableBufferPointer<Float>) {
        observePositionsAndVelocities(simulation, skipped: 1, into: observation)
    }

    public mutating func step(_ action: UnsafeBufferPointer<Float>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let before = running.position[0]
        running.step(action, frames: Self.frames)
        let speed = (running.position[0] - before) / Self.seconds
        Self.observe(running, into: observation)
        return Step(reward: Float(speed - 0.1 * squaredNorm(action)), terminated: false)
    }
}
