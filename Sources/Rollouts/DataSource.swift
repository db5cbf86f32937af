/// Where a sequence of a batch comes from. The raw values are stored in checkpoints of replays.
public enum DataSource: UInt8, Sendable, Hashable, CaseIterable {
    /// An actor's rollout on its first way through the learner.
    case live = 0
    /// Drawn from what this run has stored.
    case replay
    /// Recorded before the run began.
    case dataset
}
