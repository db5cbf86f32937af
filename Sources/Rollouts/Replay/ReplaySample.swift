/// Sequences that were drawn from a replay, as a batch to train on.
public struct ReplaySample {
    /// One part of one slot for each draw; `weight` holds the importance weights, `keys` name the sequences for `updatePriorities`.
    public let batch: RolloutBatch
    /// P(i) of each draw at the time it was drawn; 0 where the selector draws no lots (`.fifo`).
    public let probabilities: [Double]
    /// The step of the stored sequence at which each window begins.
    public let starts: [Int]
}
