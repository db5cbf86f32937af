import Tensors

/// What one step gave besides the observation.
public struct Step: Sendable, Hashable {
    public var reward: Float
    /// The task ended: nothing follows and the value afterwards is 0.
    public var terminated: Bool

    public init(reward: Float, terminated: Bool) {
        self.reward = reward
        self.terminated = terminated
    }
}

/// One instance of a task: a value with its whole state inside, so that copying it is forking it.
///
/// An environment only knows its dynamics. Cutting episodes at `maxEpisodeSteps` (truncation), starting the next episode and the
/// bookkeeping of returns belong to `VectorSlots`. Everything random in an episode comes from the stream given to `reset`; an environment
/// whose steps are random keeps a copy of it.
public protocol Environment: SendableMetatype {
    /// What one slot is told to do: `Int32` for a discrete action space, `UnsafeBufferPointer<Int32>` for a multi-discrete one,
    /// `UnsafeBufferPointer<Float>` for a box. A buffer is valid only during the step.
    associatedtype Action
    /// What observations are made of: `Float` for a box, `UInt8` for bytes.
    associatedtype Scalar: ObservationScalar = Float

    /// The name in run files, with the version of the dynamics: `CartPole-v1`.
    static var id: String { get }
    /// One line for the list of environments.
    static var summary: String { get }
    static var observationSpace: Space { get }
    static var actionSpace: Space { get }
    /// Episodes are truncated after this many steps, unless the run says otherwise; nil for no limit.
    static var maxEpisodeSteps: Int? { get }
    /// The mean return from which the task counts as solved, where the field has agreed on one.
    static var solvedReturn: Float? { get }
    /// What a run may set (`environment.options`); nothing unless the environment says so.
    static var options: [EnvironmentOption] { get }

    /// Finds whatever the environment needs besides this program (libraries, models), once and before the first instance; given, for
    /// environments that need nothing. Throws an error that tells what is missing and the command that installs it.
    static func prepare() throws

    init()

    /// Takes over the run's options, before the first episode; given, for environments without options.
    mutating func configure(_ options: EnvironmentOptions)

    /// Starts an episode and writes its first observation.
    mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Scalar>)

    /// Acts once and writes the observation that follows.
    mutating func step(_ action: Action, observation: UnsafeMutableBufferPointer<Scalar>) -> Step

    /// The action of one slot inside a row of a rollout's action column, `width` numbers per slot; given for every `Action` that a column
    /// can hold.
    static func action(of slot: Int, width: Int, in row: UnsafeRawBufferPointer) -> Action

    /// Steps every slot of a row. Given; it is a requirement because the compiler then makes one loop for each environment, with `step`
    /// inlined, wherever the environment is declared. An environment that can step many slots at once may bring its own.
    static func step(_ states: SlotStates<Self>, row: SlotsRow, ended: (EndedEpisode) -> Void)
}

/// An environment whose whole state can be read and set: for forks, resets to stored states, and replays of recorded traces.
public protocol RestorableEnvironment: Environment {
    /// The state in double precision, in the order of the field's traces (`apus environments replay`).
    var state: [Double] { get }
    /// Continues from a state, inside an episode that `reset` has started.
    mutating func restore(_ state: [Double]) throws(EnvironmentError)
}

extension Environment {
    public static var maxEpisodeSteps: Int? { nil }
    public static var solvedReturn: Float? { nil }
    public static var options: [EnvironmentOption] { [] }
    public static func prepare() throws {}
    public mutating func configure(_ options: EnvironmentOptions) {}
}

extension Environment where Action == Int32 {
    @inlinable
    public static func action(of slot: Int, width: Int, in row: UnsafeRawBufferPointer) -> Int32 {
        row.load(fromByteOffset: slot &* 4, as: Int32.self)
    }
}

extension Environment where Action == UnsafeBufferPointer<Int32> {
    @inlinable
    public static func action(of slot: Int, width: Int, in row: UnsafeRawBufferPointer) -> UnsafeBufferPointer<Int32> {
        UnsafeBufferPointer(rebasing: row.assumingMemoryBound(to: Int32.self)[(slot &* width)..<((slot &+ 1) &* width)])
    }
}

extension Environment where Action == UnsafeBufferPointer<Float> {
    @inlinable
    public static func action(of slot: Int, width: Int, in row: UnsafeRawBufferPointer) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: row.assumingMemoryBound(to: Float.self)[(slot &* width)..<((slot &+ 1) &* width)])
    }
}
