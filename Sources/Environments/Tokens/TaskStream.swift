import Tensors

/// Where the randomness of tasks comes from: the same in every run, so that a task's number means one task.
public enum TaskStream {
    /// - Parameter heldOut: tasks for evaluation come from other streams.
    public static func of(_ environment: String, _ id: UInt32, heldOut: Bool) -> RandomStream {
        // FNV-1a of the name: environments have streams of their own.
        let name = environment.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return RandomKey(seed: name, purpose: heldOut ? .evaluation : .environment).stream(slot: 0, episode: UInt64(id))
    }
}
