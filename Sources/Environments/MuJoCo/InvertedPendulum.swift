import Tensors

/// Balance a pole on a cart by pushing the cart.
///
/// Gymnasium's `InvertedPendulum-v5` (after Barto, Sutton & Anderson, 1983). Observation: cart position, pole angle, their velocities.
/// Reward: 1 for every step but a terminating one. Terminates when the pole leans more than 0.2 rad.
public struct InvertedPendulum: MuJoCoEnvironment {
    public static let id = "InvertedPendulum-v5"
    public static let summary = "balance a pole on a cart by force (MuJoCo); 4 observations, 1 continuous action, solved at 950"
    public static let observationSpace = Space.box(shape: [4], low: -.infinity, high: .infinity)
    public static let actionSpace = Space.box(shape: [1], low: -3, high: 3)
    public static let maxEpisodeSteps: Int? = 1000
    public static let solvedReturn: Float? = 950
    public static let model = MuJoCoModel.load("inverted_pendulum.xml", PackageResources.inverted_pendulum_xml)

    private static let frames = 2

    public var simulation: MuJoCoSimulation?

    public init() {}

    public static func start(_ state: UnsafeMutableBufferPointer<Double>, _ random: inout RandomStream) {
        addNoise(0.01, to: state, 0..<4, &random)
    }

    public static func observe(_ simulation: MuJoCoSimulation, into observation: UnsafeMutableBufferPointer<Float>) {
        observePositionsAndVelocities(simulation, skipped: 0, into: observation)
    }

    public mutating func step(_ action: UnsafeBufferPointer<Float>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        running.step(action, frames: Self.frames)
        Self.observe(running, into: observation)
        let upright = abs(running.position[1]) <= 0.2 && observation.allSatisfy(\.isFinite)
        return Step(reward: upright ? 1 : 0, terminated: !upright)
    }
}
