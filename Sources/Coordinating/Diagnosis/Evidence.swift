import Platform
import Runs
import Wire

/// Everything that a diagnosis is made from: what the coordinator answers, and what can be seen from this host.
public struct Evidence: Sendable {
    /// What a run's directory tells of its coordinator.
    public struct Coordinator: Sendable, Equatable {
        public var pid: UInt32
        /// nil: there is no such process.
        public var state: ProcessState?

        public init(pid: UInt32, state: ProcessState?) {
            self.pid = pid
            self.state = state
        }
    }

    /// What the ledger says.
    public struct Account: Sendable, Equatable {
        public var violations: Int
        public var firstViolation: String?
        /// By actor: how many of its rollouts have come to their end.
        public var ended: [MemberPlace: UInt64]

        public init(violations: Int = 0, firstViolation: String? = nil, ended: [MemberPlace: UInt64] = [:]) {
            self.violations = violations
            self.firstViolation = firstViolation
            self.ended = ended
        }
    }

    /// How the coordinator is reached, in words.
    public var address: String
    /// nil: it did not answer within `patience`.
    public var status: Status?
    public var patience: Double
    /// nil: its host is another one, or unknown.
    public var coordinator: Coordinator?
    /// This host.
    public var host: String
    /// The processes of this host that the status names; a missing one is gone.
    public var processes: [UInt32: ProcessState]
    /// Made after the status: whatever was acknowledged stands in it. nil: not at hand.
    public var account: Account?
    /// The directory of the run, if it lies here.
    public var directory: String?

    public init(
        address: String, status: Status?, patience: Double, coordinator: Coordinator? = nil, host: String = "",
        processes: [UInt32: ProcessState] = [:], account: Account? = nil, directory: String? = nil
    ) {
        self.address = address
        self.status = status
        self.patience = patience
        self.coordinator = coordinator
        self.host = host
        self.processes = processes
        self.account = account
        self.directory = directory
    }

    /// Looks at this host: at the processes that the status names, and at the ledger.
    ///
    /// - Parameter directory: of the run, if it lies on this host.
    public static func gather(address: String, status: Status?, patience: Double, directory: RunDirectory?) -> Evidence {
        var evidence = Evidence(
            address: address, status: status, patience: patience, host: ProcessIdentity.hostName, directory: directory?.path)
        if let directory { evidence.look(at: directory) }
        if let status {
            let here =
                status.members.filter { $0.host == evidence.host }.map(\.pid)
                + status.events.compactMap(\.subject).filter { $0.host == evidence.host }.map(\.pid)
            for pid in Set(here) { evidence.processes[pid] = ProcessState.of(pid) }
        }
        if let directory, Files.exists(directory.ledger), let report = try? LedgerCheck.run(directory.ledger) {
            evidence.account = Account(
                violations: report.violationCount, firstViolation: report.violations.first?.text,
                ended: Dictionary(
                    uniqueKeysWithValues: report.state.incarnations.map {
                        (MemberPlace(rank: $0.key.actor, incarnation: $0.key.number), $0.value.counts.terminal)
                    }))
        }
        return evidence
    }

    /// Looks at the process that leads the run.
    public mutating func look(at directory: RunDirectory) {
        self.directory = directory.path
        guard let pid = RunLock.holder(of: directory) else { return }
        coordinator = Coordinator(pid: pid, state: ProcessState.of(pid))
    }
}
