import Platform
import Wire

/// Which programs this process starts because a coordinator names them.
///
/// A run file may name a program (`worker:PROGRAM`) or a module of Python to import. Where the coordinator is on another host, that would let whoever holds
/// it run code here: this host's own command line decides.
public struct WorkerPermission: Sendable {
    private let isLocal: Bool
    private let allowed: [String]

    /// - Parameters:
    ///   - coordinator: who sends the run file.
    ///   - allowed: programs, or whole names of environments.
    public init(coordinator: Endpoint, allowed: [String] = []) {
        isLocal = coordinator.isLocal
        self.allowed = allowed
    }

    public func check(_ id: String) throws(WorkerError) {
        guard !isLocal, let subject = Self.subject(of: id), !allowed.contains(subject), !allowed.contains(id) else { return }
        throw WorkerError(
            problem: "the run's environment \(id) is code that the coordinator chooses, and that is on another host", place: "environment.id",
            remedy: "If it may run here, start this program with --allow-worker '\(subject)'.")
    }

    /// What would be run or imported; nil: nothing but what Apus and the registry of Gymnasium have.
    private static func subject(of id: String) -> String? {
        let parts = id.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "gymnasium": return parts[1].contains(":") ? id : nil
        case "pettingzoo": return id
        // The arguments count: a shell with the right ones is any program.
        case "worker": return String(parts[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)[0])
        default: return nil
        }
    }
}
