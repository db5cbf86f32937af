import Tensors

/// Walk forward with a four-legged robot of thirteen bodies and eight joints.
///
/// Gymnasium's `Ant-v5` (after Schulman et al., 2015). Observation: positions without the first two (torso's height, orientation as a
/// quaternion, joint angles), velocities, then the external forces on each body but the world (torque and force, cut off at ±1). Reward:
/// forward speed in m/s, plus 1 while healthy, less 0.5 times the squared norm of the action, less 0.0005 times that of the cut-off forces.
/// Terminates unless the torso is between 0.2 and 1 m high and every number is finite.
///
/// As in Gymnasium the speed is measured where MuJoCo has last placed the torso, a fraction of a time step before the observed position,
/// and the first observation of an episode knows of no forces.
public struct Ant: MuJoCoEnvironment {
    public static let id = "Ant-v5"
    public static let summary = "walk forward on four legs (MuJoCo); 105 observations, 8 continuous actions, solved at 6000"
    public static let observationSpace = Space.box(shape: [105], low: -.infinity, high: .infinity)
    public static let actionSpace = Space.box(shape: [8], low: -1, high: 1)
    public static let maxEpisodeSteps: Int? = 1000
    public static let solvedReturn: Float? = 6000
    public static let model = MuJoCoModel.load("ant.xml", PackageResources.ant_xml, externalForces: true)

    private static let frames = 5
    private static let seconds = 0.01 * Double(frames)
    private static let torso = 1

    public var simulation: MuJoCoSimulation?

    public init() {}

    public static func start(_ state: UnsafeMutableBufferPointer<Double>, _ random: inout RandomStream) {
        addNoise(0.1, to: state, 0..<15, &random)
        addNormalNoise(0.1, to: state, 15..<29, &random)
    }

    public static func observe(_ simulation: MuJoCoSimulation, into observation: UnsafeMutableBufferPointer<Float>) {
        observePositionsAndVelocities(simulation, skipped: 2, into: observation)
        for index in 27..<105 { observation[index] = 0 }
    }

    public mutating func step(_ action: UnsafeBufferPointer<Float>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let before = running.bodyPosition(Self.torso).x
        running.step(action, frames: Self.frames)
        let speed = (running.bodyPosition(Self.torso).x - before) / Self.seconds
        observePositionsAndVelocities(running, skipped: 2, into: observation)
        var contact = 0.0
        let forces = running.externalForces()
        // The first six are the world's, and always 0.
        for index in 6..<forces.count {
            let force = min(max(forces[index], -1), 1)
            observation[21 + index] = Float(force)
            contact += force * force
        }
        let height = running.position[2]
        let healthy =
            height >= 0.2 && height <= 1 && running.position.allSatisfy(\.isFinite) && running.velocity.allSatisfy(\.isFinite)
        let cost = 0.5 * squaredNorm(action) + 0.0005 * contact
        return Step(reward: Float(speed + (healthy ? 1 : 0) - cost), terminated: !healthy)
    }
}
