import Tensors

/// Land on the pad between the flags with three engines that are on or off: nothing (0), left orientation engine (1), main engine (2),
/// right orientation engine (3).
///
/// Gymnasium's `LunarLander-v3` on Box2D. Observation: position x and y (the pad's middle is 0, the viewport's half sizes are 1), velocity
/// x and y (in units per 0.2 and 0.1333 s), angle (rad), angular velocity (0.4 rad/s), contact of the right and the left leg (0 or 1).
/// Reward: the change of a potential that rises towards standing still and upright on the pad, less the fuel; −100 for a crash or for
/// leaving the viewport sideways, +100 for coming to rest.
///
/// The Box2D world cannot be copied: copies of a value share it, and only one of them may go on.
public struct LunarLander: Environment {
    public static let id = "LunarLander-v3"
    public static let summary = "land between two flags; 8 observations, 4 actions, solved at 200"
    public static let observationSpace = Space.box(
        shape: [8], low: [-2.5, -2.5, -10, -10, -2 * .pi, -10, 0, 0], high: [2.5, 2.5, 10, 10, 2 * .pi, 10, 1, 1])
    public static let actionSpace = Space.discrete(4)
    public static let maxEpisodeSteps: Int? = 1000
    public static let solvedReturn: Float? = 200
    public static let options = LanderFlight.options

    private var flight = LanderFlight()

    public init() {}

    public mutating func configure(_ options: EnvironmentOptions) { flight.configure(options) }

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        flight.reset(&random, observation: observation)
    }

    public mutating func step(_ action: Int32, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        flight.step(Self.throttle(action), observation: observation)
    }

    private static func throttle(_ action: Int32) -> EngineThrottle {
        switch action {
        case 1: EngineThrottle(side: 1, direction: -1)
        case 2: EngineThrottle(main: 1)
        case 3: EngineThrottle(side: 1, direction: 1)
        default: EngineThrottle()
        }
    }

    /// Starts an episode with given draws, to compare with a recorded one.
    package mutating func reset(_ start: LanderStart, dispersion: SIMD2<Double>, observation: UnsafeMutableBufferPointer<Float>) {
        flight.reset(start, dispersion: dispersion, observation: observation)
    }

    /// Acts with given draws, two numbers in [−1, 1).
    package mutating func step(_ action: Int32, dispersion: SIMD2<Double>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        flight.step(Self.throttle(action), dispersion: dispersion, observation: observation)
    }
}
