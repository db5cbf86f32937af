import Tensors

/// Where one step of all slots reads and writes: the rows of a rollout's columns, so that nothing is copied afterwards.
public struct SlotsRow {
    /// The actions of all slots: [B] int32 for a discrete space, [B, K] int32 for a multi-discrete one, [B] + shape float32 for a box.
    public var actions: UnsafeRawBufferPointer
    /// [B] + observation shape: the next row. Where an episode ended it holds the first observation of the next episode.
    public var observation: UnsafeMutableRawBufferPointer
    /// [B]
    public var reward: UnsafeMutableBufferPointer<Float>
    /// [B], 0 or 1: the task ended.
    public var terminated: UnsafeMutableBufferPointer<UInt8>
    /// [B], 0 or 1: the episode was cut, by the step limit or because the environment failed. Never 1 together with `terminated`.
    public var truncated: UnsafeMutableBufferPointer<UInt8>

    public init(
        actions: UnsafeRawBufferPointer, observation: UnsafeMutableRawBufferPointer, reward: UnsafeMutableBufferPointer<Float>,
        terminated: UnsafeMutableBufferPointer<UInt8>, truncated: UnsafeMutableBufferPointer<UInt8>
    ) {
        self.actions = actions
        self.observation = observation
        self.reward = reward
        self.terminated = terminated
        self.truncated = truncated
    }
}

/// An episode that ended in this step.
public struct EndedEpisode {
    public var slot: Int
    /// The last observation of the episode, in the observation space's element type; valid only during the call.
    public var finalObservation: UnsafeRawBufferPointer
    /// The undiscounted sum of its rewards.
    public var episodeReturn: Float
    /// Its steps.
    public var length: Int32

    @inlinable
    public init(slot: Int, finalObservation: UnsafeRawBufferPointer, episodeReturn: Float, length: Int32) {
        self.slot = slot
        self.finalObservation = finalObservation
        self.episodeReturn = episodeReturn
        self.length = length
    }
}

/// Why the episode of some slots was cut by something other than the task: the environment crashed, hung or raised an error, and was
/// started again.
public struct SlotFailure: Sendable, Hashable {
    public var slots: Range<Int>
    /// One sentence.
    public var cause: String

    public init(slots: Range<Int>, cause: String) {
        self.slots = slots
        self.cause = cause
    }
}

/// B instances of one environment that step together. Belongs to one thread at a time.
public protocol Slots: AnyObject {
    /// B
    var count: Int { get }
    var observationSpace: Space { get }
    var actionSpace: Space { get }

    /// Starts a new episode in every slot and writes the first observations, [B] + observation shape.
    func reset(observation: UnsafeMutableRawBufferPointer) throws

    /// Steps every slot. A slot whose episode ends is reported to `ended`, in the order of the slots, and starts its next episode in the
    /// same step.
    ///
    /// Throws when the environments cannot go on, which ends the actor: a failure that a restart mends is told by `takeFailures` instead.
    func step(_ row: SlotsRow, ended: (EndedEpisode) -> Void) throws

    /// What has failed and was mended since the last call; nothing for environments inside this process.
    func takeFailures() -> [SlotFailure]
}

extension Slots {
    public func takeFailures() -> [SlotFailure] { [] }
}
