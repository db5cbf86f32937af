/// The constants of the contract in `proto/worker.proto`.
public enum WorkerProtocol {
    /// A worker that says another one is refused, with both named.
    public static let version: UInt32 = 1
    /// The most choices of a discrete space, and of each part of a multi-discrete one.
    static let maximumChoices: UInt32 = 1 << 24
    /// The most numbers of one observation or action.
    static let maximumElements = 1 << 26
}
