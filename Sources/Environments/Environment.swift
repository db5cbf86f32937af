import Tensors

/// The set from which observations or actions come.
public enum Space: Sendable, Hashable {
    /// The numbers 0 ..< n.
    case discrete(Int)
    /// Float vectors of a shape; `low` and `high` hold one bound per element and may be infinite.
    case box(shape: [Int], low: [Float], high: [Float])

    /// The shape of one element: [] for a discrete space.
    public var shape: [Int] {
        switch self {
        case .discrete: []
        case .box(let shape, _, _): shape
        }
    }
}

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
public protocol Environment {
    /// What one slot is told to do: `Int32` for a discrete action space.
    associatedtype Action

    /// The name in run files, with the version of the dynamics: `CartPole-v1`.
    static var id: String { get }
    /// One line for the list of environments.
    static var summary: String { get }
    static var observationSpace: Space { get }
    static var actionSpace: Space { get }
    /// Episodes are truncated after this many steps; nil for no limit.
    static var maxEpisodeSteps: Int? { get }
    /// The mean return from which the task counts as solved, where the field has agreed on one.
    static var solvedReturn: Float? { get }

    init()

    /// Starts an episode and writes its first observation.
    mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>)

    /// Acts once and writes the observation that follows.
    mutating func step(_ action: Action, observation: UnsafeMutableBufferPointer<Float>) -> Step

    /// The action of one slot inside a row of a rollout's action column; given for every `Action` that a column can hold.
    static func action(of slot: Int, in row: UnsafeRawBufferPointer) -> Action

    /// Steps every slot of a row. Given; it is a requirement because the compiler then makes one loop for each environment, with `step`
    /// inlined, wherever the environment is declared. An environment that can step many slots at once may bring its own.
    static func step(_ states: SlotStates<Self>, row: SlotsRow, ended: (EndedEpisode) -> Void)
}

extension Environment where Action == Int32 {
    @inlinable
    public static func action(of slot: Int, in row: UnsafeRawBufferPointer) -> Int32 {
        row.load(fromByteOffset: slot &* 4, as: Int32.self)
    }
}
