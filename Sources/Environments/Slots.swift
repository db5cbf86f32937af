/// Where one step of all slots reads and writes: the rows of a rollout's columns, so that nothing is copied afterwards.
public struct SlotsRow {
    /// One action per slot, as the rollout's action column holds them: [B] int32 for a discrete space.
    public var actions: UnsafeRawBufferPointer
    /// [B] + observation shape: the next row. Where an episode ended it holds the first observation of the next episode.
    public var observation: UnsafeMutableBufferPointer<Float>
    /// [B]
    public var reward: UnsafeMutableBufferPointer<Float>
    /// [B], 0 or 1: the task ended.
    public var terminated: UnsafeMutableBufferPointer<UInt8>
    /// [B], 0 or 1: the episode was cut by the step limit. Never 1 together with `terminated`.
    public var truncated: UnsafeMutableBufferPointer<UInt8>

    public init(
        actions: UnsafeRawBufferPointer, observation: UnsafeMutableBufferPointer<Float>, reward: UnsafeMutableBufferPointer<Float>,
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
    /// The last observation of the episode; valid only during the call.
    public var finalObservation: UnsafeBufferPointer<Float>
    /// The undiscounted sum of its rewards.
    public var episodeReturn: Float
    /// Its steps.
    public var length: Int32

    @inlinable
    public init(slot: Int, finalObservation: UnsafeBufferPointer<Float>, episodeReturn: Float, length: Int32) {
        self.slot = slot
        self.finalObservation = finalObservation
        self.episodeReturn = episodeReturn
        self.length = length
    }
}

/// B instances of one environment that step together. Belongs to one thread at a time.
public protocol Slots: AnyObject {
    /// B
    var count: Int { get }
    var observationShape: [Int] { get }
    var actionSpace: Space { get }

    /// Starts a new episode in every slot and writes the first observations, [B] + observation shape.
    func reset(observation: UnsafeMutableBufferPointer<Float>)

    /// Steps every slot. A slot whose episode ends is reported to `ended`, in the order of the slots, and starts its next episode in the
    /// same step.
    func step(_ row: SlotsRow, ended: (EndedEpisode) -> Void)
}

extension Slots {
    /// The step of a discrete action space, with one buffer per column; see `SlotsRow` for their shapes.
    public func step(
        actions: UnsafeBufferPointer<Int32>, observation: UnsafeMutableBufferPointer<Float>, reward: UnsafeMutableBufferPointer<Float>,
        terminated: UnsafeMutableBufferPointer<UInt8>, truncated: UnsafeMutableBufferPointer<UInt8>, ended: (EndedEpisode) -> Void
    ) {
        step(
            SlotsRow(
                actions: UnsafeRawBufferPointer(actions), observation: observation, reward: reward, terminated: terminated,
                truncated: truncated), ended: ended)
    }
}
