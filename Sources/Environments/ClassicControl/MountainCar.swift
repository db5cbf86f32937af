import Tensors

/// Drive an underpowered car out of a valley by swinging: push left (0), not at all (1) or right (2).
///
/// Moore (1990), "Efficient memory-based learning for robot control", with the constants and limits of Gymnasium's `MountainCar-v0`; equal
/// to it step for step, the state in double precision. Observation: position, velocity. Reward −1 for every step until the flag at 0.5.
public struct MountainCar: RestorableEnvironment {
    public static let id = "MountainCar-v0"
    public static let summary = "swing a car out of a valley; 2 observations, 3 actions, -1 a step, solved at -110"
    public static let observationSpace = Space.box(shape: [2], low: [-1.2, -0.07], high: [0.6, 0.07])
    public static let actionSpace = Space.discrete(3)
    public static let maxEpisodeSteps: Int? = 200
    public static let solvedReturn: Float? = -110

    private static let positionRange = (low: -1.2, high: 0.6)
    private static let maxSpeed = 0.07
    private static let goal = 0.5
    private static let force = 0.001
    private static let gravity = 0.0025

    public var position = 0.0
    public var velocity = 0.0

    public init() {}

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        position = random.uniform(in: -0.6 ... -0.4)
        velocity = 0
        write(to: observation)
    }

    @inline(__always)
    public mutating func step(_ action: Int32, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let push = Double(action &- 1)
        velocity += push * Self.force + sineCosineAnywhere(3 * position).cosine * -Self.gravity
        velocity = min(max(velocity, -Self.maxSpeed), Self.maxSpeed)
        position = min(max(position + velocity, Self.positionRange.low), Self.positionRange.high)
        // The left wall stops the car.
        if position == Self.positionRange.low && velocity < 0 { velocity = 0 }
        write(to: observation)
        return Step(reward: -1, terminated: position >= Self.goal && velocity >= 0)
    }

    /// Position, velocity.
    public var state: [Double] { [position, velocity] }

    public mutating func restore(_ state: [Double]) throws(EnvironmentError) {
        try Self.check(state, count: 2)
        (position, velocity) = (state[0], state[1])
    }

    @inline(__always)
    private func write(to observation: UnsafeMutableBufferPointer<Float>) {
        observation[0] = Float(position)
        observation[1] = Float(velocity)
    }
}
