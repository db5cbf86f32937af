import Tensors

/// An environment whose dynamics are a MuJoCo model's. `prepare`, `state`, `restore` and `reset` are given.
///
/// As in Gymnasium an action is not clipped: MuJoCo clamps the controls to the model's range, and the reward sees the action as it is.
/// Observations, in double precision in Gymnasium, are rounded to single precision. A copy of a value is a fork of the simulation.
public protocol MuJoCoEnvironment: RestorableEnvironment where Action == UnsafeBufferPointer<Float>, Scalar == Float {
    /// The model, compiled once for all instances, or why that failed.
    static var model: Result<MuJoCoModel, EnvironmentError> { get }
    /// Nothing before the first `reset` or `restore`.
    var simulation: MuJoCoSimulation? { get set }

    /// Moves the reference state (positions, then velocities) to where an episode starts.
    static func start(_ state: UnsafeMutableBufferPointer<Double>, _ random: inout RandomStream)
    /// Writes the observation of a simulation that has not made a step.
    static func observe(_ simulation: MuJoCoSimulation, into observation: UnsafeMutableBufferPointer<Float>)
}

extension MuJoCoEnvironment {
    public static func prepare() throws { _ = try model.get() }

    /// The simulation of an episode that has started.
    var running: MuJoCoSimulation {
        _read {
            guard simulation != nil else { preconditionFailure("\(Self.id) was stepped before it was reset") }
            yield simulation!
        }
        _modify {
            guard simulation != nil else { preconditionFailure("\(Self.id) was stepped before it was reset") }
            yield &simulation!
        }
    }

    private mutating func begin() throws(EnvironmentError) {
        if simulation == nil { simulation = MuJoCoSimulation(try Self.model.get()) }
    }

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        do {
            try begin()
        } catch {
            preconditionFailure("\(Self.id) was reset although it could not be prepared: \(error)")
        }
        running.reset { Self.start($0, &random) }
        Self.observe(running, into: observation)
    }

    public var state: [Double] { simulation?.state ?? [] }

    public mutating func restore(_ state: [Double]) throws(EnvironmentError) {
        try begin()
        let expected = running.model.positions + running.model.velocities
        guard state.count == expected, state.allSatisfy(\.isFinite) else {
            throw EnvironmentError(
                problem: "a state of \(state.count) numbers, \(state.filter { !$0.isFinite }.count) of them not finite", place: Self.id,
                remedy: "Give \(expected) finite numbers: \(running.model.positions) positions, \(running.model.velocities) velocities.")
        }
        running.reset { for (index, value) in state.enumerated() { $0[index] = value } }
    }
}

/// Adds uniform noise of ±scale to some numbers of a state.
func addNoise(
    _ scale: Double, to state: UnsafeMutableBufferPointer<Double>, _ range: Range<Int>, _ random: inout RandomStream
) {
    for index in range { state[index] += random.uniform(in: -scale...scale) }
}

/// Adds normal noise of this standard deviation to some numbers of a state.
func addNormalNoise(
    _ scale: Double, to state: UnsafeMutableBufferPointer<Double>, _ range: Range<Int>, _ random: inout RandomStream
) {
    for index in range { state[index] += scale * random.normal() }
}

/// Writes positions from `skipped` on, then velocities cut off at ±`limit`.
func observePositionsAndVelocities(
    _ simulation: MuJoCoSimulation, skipped: Int, limit: Double = .infinity, into observation: UnsafeMutableBufferPointer<Float>
) {
    let (position, velocity) = (simulation.position, simulation.velocity)
    for index in skipped..<position.count { observation[index - skipped] = Float(position[index]) }
    let offset = position.count - skipped
    for index in velocity.indices { observation[offset + index] = Float(min(max(velocity[index], -limit), limit)) }
}

/// The sum of the squares of an action.
func squaredNorm(_ action: UnsafeBufferPointer<Float>) -> Double { action.reduce(0) { $0 + Double($1) * Double($1) } }
