import Tensors

/// `LunarLander` with throttles: the first number of an action is the main engine's (off up to 0, then 50 % to 100 % at 1), the second one
/// the orientation engines' (left below −0.5, right above 0.5, 50 % to 100 %). Numbers beyond −1 … 1 count as −1 and 1.
///
/// Gymnasium's `LunarLander-v3` with `continuous=True`; the dynamics, observations and rewards are those of `LunarLander`.
public struct LunarLanderContinuous: Environment {
    public static let id = "LunarLanderContinuous-v3"
    public static let summary = "land between two flags with throttles; 8 observations, 2 continuous actions, solved at 200"
    public static let observationSpace = LunarLander.observationSpace
    public static let actionSpace = Space.box(shape: [2], low: -1, high: 1)
    public static let maxEpisodeSteps: Int? = 1000
    public static let solvedReturn: Float? = 200
    public static let options = LanderFlight.options

    private var flight = LanderFlight()

    public init() {}

    public mutating func configure(_ options: EnvironmentOptions) { flight.configure(options) }

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        flight.reset(&random, observation: observation)
    }

    public mutating func step(_ action: UnsafeBufferPointer<Float>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        flight.step(Self.throttle(action), observation: observation)
    }

    private static func throttle(_ action: UnsafeBufferPointer<Float>) -> EngineThrottle {
        let main = Double(min(max(action[0], -1), 1))
        let side = Double(min(max(action[1], -1), 1))
        return EngineThrottle(
            main: main > 0 ? (main + 1) * 0.5 : 0, side: abs(side) > 0.5 ? abs(side) : 0, direction: side < 0 ? -1 : 1)
    }

    /// Starts an episode with given draws, to compare with a recorded one.
    package mutating func reset(_ start: LanderStart, dispersion: SIMD2<Double>, observation: UnsafeMutableBufferPointer<Float>) {
        flight.reset(start, dispersion: dispersion, observation: observation)
    }

    /// Acts with given draws, two numbers in [−1, 1).
    package mutating func step(
        _ action: UnsafeBufferPointer<Float>, dispersion: SIMD2<Double>, observation: UnsafeMutableBufferPointer<Float>
    ) -> Step {
        flight.step(Self.throttle(action), dispersion: dispersion, observation: observation)
    }
}
