import Glibc
import Tensors

/// Reach a target in the plane with the tip of an arm of two links.
///
/// Gymnasium's `Reacher-v5`. Observation: cosines and sines of the two joint angles, the target's position, the joints' velocities,
/// fingertip less target along x and y. Reward: minus their distance, less the squared norm of the action. Never terminates.
public struct Reacher: MuJoCoEnvironment {
    public static let id = "Reacher-v5"
    public static let summary = "reach a target with an arm of two links (MuJoCo); 10 observations, 2 continuous actions, solved at -3.75"
    public static let observationSpace = Space.box(shape: [10], low: -.infinity, high: .infinity)
    public static let actionSpace = Space.box(shape: [2], low: -1, high: 1)
    public static let maxEpisodeSteps: Int? = 50
    public static let solvedReturn: Float? = -3.75
    public static let model = MuJoCoModel.load("reacher.xml", PackageResources.reacher_xml)

    private static let frames = 2
    private static let bodies = model.map { (fingertip: $0.body("fingertip"), target: $0.body("target")) }

    public var simulation: MuJoCoSimulation?

    public init() {}

    public static func start(_ state: UnsafeMutableBufferPointer<Double>, _ random: inout RandomStream) {
        addNoise(0.1, to: state, 0..<2, &random)
        // The target: uniform in a disk of 0.2 m around the arm's foot.
        var (x, y) = (0.0, 0.0)
        repeat {
            x = random.uniform(in: -0.2...0.2)
            y = random.uniform(in: -0.2...0.2)
        } while (x * x + y * y).squareRoot() >= 0.2
        state[2] = x
        state[3] = y
        addNoise(0.005, to: state, 4..<6, &random)
    }

    public static func observe(_ simulation: MuJoCoSimulation, into observation: UnsafeMutableBufferPointer<Float>) {
        let (position, velocity) = (simulation.position, simulation.velocity)
        let miss = miss(simulation)
        for joint in 0..<2 {
            observation[joint] = Float(cos(position[joint]))
            observation[2 + joint] = Float(sin(position[joint]))
            observation[4 + joint] = Float(position[2 + joint])
            observation[6 + joint] = Float(velocity[joint])
        }
        observation[8] = Float(miss.x)
        observation[9] = Float(miss.y)
    }

    public mutating func step(_ action: UnsafeBufferPointer<Float>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        running.step(action, frames: Self.frames)
        Self.observe(running, into: observation)
        let miss = Self.miss(running)
        let distance = (miss.x * miss.x + miss.y * miss.y + miss.z * miss.z).squareRoot()
        return Step(reward: Float(-distance - squaredNorm(action)), terminated: false)
    }

    /// Fingertip less target.
    private static func miss(_ simulation: MuJoCoSimulation) -> SIMD3<Double> {
        guard case .success(let bodies) = bodies else { preconditionFailure("\(id) runs without its model") }
        let (tip, target) = (simulation.bodyPosition(bodies.fingertip), simulation.bodyPosition(bodies.target))
        return SIMD3(tip.x - target.x, tip.y - target.y, tip.z - target.z)
    }
}
