import Tensors

/// Drive an underpowered car out of a valley by swinging, with a force between −1 and 1 that costs its square.
///
/// Gymnasium's `MountainCarContinuous-v0`, equal to it step for step. Gymnasium keeps the start of an episode in double precision and every
/// later state in single precision, sums included, and so does this: the two roundings part within a few steps otherwise.
/// Observation: position, velocity. Reward −0.1 · force² (before the force is clipped), and 100 at the flag at 0.45.
public struct MountainCarContinuous: RestorableEnvironment {
    public static let id = "MountainCarContinuous-v0"
    public static let summary = "swing a car out of a valley with little force; 2 observations, 1 continuous action, solved at 90"
    public static let observationSpace = Space.box(shape: [2], low: [-1.2, -0.07], high: [0.6, 0.07])
    public static let actionSpace = Space.box(shape: [1], low: -1, high: 1)
    public static let maxEpisodeSteps: Int? = 999
    public static let solvedReturn: Float? = 90

    private static let power = 0.0015
    private static let gravity = 0.0025
    private static let goal = 0.45
    private static let positionRange = (low: -1.2, high: 0.6)
    private static let maxSpeed = 0.07

    private var position = 0.0
    private var velocity = 0.0

    public init() {}

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        position = random.uniform(in: -0.6 ... -0.4)
        velocity = 0
        (observation[0], observation[1]) = (Float(position), Float(velocity))
    }

    @inline(__always)
    public mutating func step(_ action: UnsafeBufferPointer<Float>, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let force = action[0]
        // Whether the state is one that `step` left: only the start of an episode has digits beyond single precision.
        let single = Double(Float(position)) == position && Double(Float(velocity)) == velocity
        let terminated = single ? stepSingle(force) : stepDouble(force)
        (observation[0], observation[1]) = (Float(position), Float(velocity))
        let cost = Double(force) * Double(force) * 0.1
        return Step(reward: Float((terminated ? 100 : 0) - cost), terminated: terminated)
    }

    /// Position, velocity.
    public var state: [Double] { [position, velocity] }

    public mutating func restore(_ state: [Double]) throws(EnvironmentError) {
        try Self.check(state, count: 2)
        (position, velocity) = (state[0], state[1])
    }

    /// What force and slope add to the velocity. A clipped force is a double in Gymnasium, one inside the range a float.
    @inline(__always)
    private static func acceleration(_ force: Float, cosine: Double) -> (single: Float, double: Double) {
        let slope = gravity * cosine
        if abs(force) > 1 {
            let double = (force > 0 ? power : -power) - slope
            return (Float(double), double)
        }
        let single = force * Float(power) - Float(slope)
        return (single, Double(single))
    }

    @inline(__always)
    private mutating func stepSingle(_ force: Float) -> Bool {
        var (position, velocity) = (Float(position), Float(velocity))
        velocity += Self.acceleration(force, cosine: sineCosineAnywhere(Double(3 * position)).cosine).single
        velocity = min(max(velocity, -Float(Self.maxSpeed)), Float(Self.maxSpeed))
        position = min(max(position + velocity, Float(Self.positionRange.low)), Float(Self.positionRange.high))
        if position == Float(Self.positionRange.low) && velocity < 0 { velocity = 0 }
        (self.position, self.velocity) = (Double(position), Double(velocity))
        return position >= Float(Self.goal) && velocity >= 0
    }

    @inline(never)
    private mutating func stepDouble(_ force: Float) -> Bool {
        velocity += Self.acceleration(force, cosine: sineCosineAnywhere(3 * position).cosine).double
        velocity = min(max(velocity, -Self.maxSpeed), Self.maxSpeed)
        position = min(max(position + velocity, Self.positionRange.low), Self.positionRange.high)
        if position == Self.positionRange.low && velocity < 0 { velocity = 0 }
        let terminated = position >= Self.goal && velocity >= 0
        (position, velocity) = (Double(Float(position)), Double(Float(velocity)))
        return terminated
    }
}
