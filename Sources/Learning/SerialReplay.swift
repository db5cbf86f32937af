import Acting
import Environments
import Networks
import Platform
import Rollouts
import Runs
import Tensors
import Wire
import Workers

/// Makes a policy version of an asynchronous run again, serially: from the ledger, the seeds and the descriptions of its lives.
///
/// A rollout is a pure function of (weights, the slots' state at its start, key), and actors change weights between rollouts only. The ledger
/// tells which version acted in each rollout and which rollouts made each update, in the order in which they were summed; so acting and
/// learning can be done over, one after the other, and every weight has the same bits. Lives of the learner that were undone are done over
/// too: their policies have acted in rollouts that later lives trained on.
public struct SerialReplay {
    /// What came out.
    public struct Result: Sendable {
        public var version: UInt64
        public var updates = 0
        public var rollouts = 0
        public var lives = 0
        /// Of `weights.safetensors` as a checkpoint of this version would hold it.
        public var weights: String
        /// Of `optimizer.safetensors`.
        public var optimizer: String
        /// The same of the checkpoint that the run has written, if it is still there.
        public var saved: (weights: String, optimizer: String)?
        /// On what the run was made, where that differs from this machine.
        public var otherMachine: String?

        public var isEqual: Bool? { saved.map { $0.weights == weights && $0.optimizer == optimizer } }
    }

    private let directory: RunDirectory
    private let catalogue: EnvironmentCatalogue
    private let history: LedgerHistory
    private let target: UInt64
    /// The steps up to the last one that makes the target.
    private let steps: ArraySlice<LedgerHistory.Step>
    private let specs: [UInt32: RunSpec]
    private let otherMachine: String?

    /// - Parameter version: nil: the newest.
    /// - Throws: `ReplayError`, `LedgerHistoryError`, `LedgerError`, or what the run's files are refused for.
    public init(_ directory: RunDirectory, to version: UInt64?, catalogue: EnvironmentCatalogue = .current) throws {
        self.directory = directory
        self.catalogue = catalogue
        guard Files.exists(directory.ledger) else { throw ReplayError.noLedger(directory.path) }
        let spec = try directory.loadSpec()
        guard !spec.isTokenRun else { throw ReplayError.tokens(directory.path) }
        let history = try LedgerHistory(directory.ledger, rolloutsPerUpdate: spec.learner.rolloutsPerUpdate)
        let target = try version ?? CheckpointStore(directory.checkpoints).latest() ?? history.newestVersion
        guard let last = history.steps.lastIndex(where: { $0.version == target }) else {
            throw ReplayError.unknownVersion(target, newest: history.newestVersion, directory.path)
        }
        steps = history.steps[...last]
        var (specs, machines): ([UInt32: RunSpec], [String]) = ([:], [])
        for case .began(let life, _) in steps {
            guard Files.exists(directory.life(life)) else { throw ReplayError.noLife(directory.life(life)) }
            let file = try LifeFile.read(life, of: directory)
            specs[life] = file.spec
            machines.append(file.machine)
        }
        self.history = history
        self.target = target
        self.specs = specs
        otherMachine = machines.first { $0 != LifeFile.machine }
    }

    /// - Parameter report: called after each update, with the version and the target.
    public func run(_ report: (UInt64, UInt64) -> Void = { _, _ in }) throws -> Result {
        let scratch = "\(directory.path)/.replay-\(UInt32.random(in: 0 ... .max))"
        try Files.createDirectory(scratch)
        defer { try? Files.remove(scratch) }
        var acting = ReplayedActors(history, steps, specs, catalogue)
        // What later lives resume from.
        var resumed: Set<UInt64> = []
        for case .began(_, let version) in steps where version > 0 { resumed.insert(version) }
        var snapshots: [UInt64: TrainingCheckpoint] = [:]
        var result = Result(version: target, weights: "", optimizer: "", otherMachine: otherMachine)
        var trainer: Trainer!
        var life: UInt32 = 0
        let replays = try ReplayStore(writingTo: "\(scratch)/replay")
        for step in steps {
            switch step {
            case .began(let number, let version):
                let spec = specs[number]!
                setBLASThreads(spec.learner.threads)
                trainer = try Trainer(spec, catalogue: catalogue, folder: "\(scratch)/buffer-\(number)")
                if version > 0 {
                    guard let snapshot = snapshots[version] else { throw ReplayError.unknownVersion(version, newest: target, directory.path) }
                    try trainer.restore(snapshot, replay: trainer.keepsReplay ? replays : nil)
                }
                (life, result.lives) = (number, result.lives + 1)
                acting.publish(trainer.published(), LedgerHistory.Acting(life: life, version: trainer.version))
            case .trained(let version, let ids):
                let rollouts = try ids.map { try acting.rollout($0) }
                _ = try trainer.update(rollouts)
                guard trainer.version == version else { throw ReplayError.gap(version, after: trainer.version - 1, directory.ledger) }
                acting.publish(trainer.published(), LedgerHistory.Acting(life: life, version: version))
                (result.updates, result.rollouts) = (result.updates + 1, result.rollouts + ids.count)
                if resumed.contains(version) { snapshots[version] = try snapshot(trainer, replays) }
                report(version, target)
            case .refused(let ids):
                let rollouts = try ids.map { try acting.rollout($0) }
                do { _ = try trainer.update(rollouts) } catch is NonFiniteUpdate { continue }
                throw ReplayError.accepted(rollouts.map(\.id), directory.ledger)
            }
        }
        let files = TrainingCheckpoint(trainer, state: TrainingState()).files
        func digest(_ name: String) -> String { sha256(files.first { $0.name == name }!.bytes) }
        (result.weights, result.optimizer) = (digest(TrainingCheckpoint.weightsFile), digest(TrainingCheckpoint.optimizerFile))
        let store = CheckpointStore(directory.checkpoints)
        if try store.versions().contains(target) {
            let saved = try store.read(target).files
            result.saved = (
                sha256(saved[TrainingCheckpoint.weightsFile] ?? []), sha256(saved[TrainingCheckpoint.optimizerFile] ?? [])
            )
        }
        return result
    }

    /// What a learner would find that resumes from a checkpoint of now: through the same files, so that nothing comes back that they leave out.
    private func snapshot(_ trainer: Trainer, _ replays: ReplayStore) throws -> TrainingCheckpoint {
        let store = try CheckpointStore(writingTo: "\(replays.directory)-checkpoints")
        try TrainingCheckpoint(trainer, state: TrainingState()).write(to: store, replays: trainer.keepsReplay ? replays : nil)
        return try TrainingCheckpoint(store.read(trainer.version))
    }
}

/// Why a run cannot be made again.
public enum ReplayError: Remediable, Equatable {
    case noLedger(String)
    case noLife(String)
    case unknownVersion(UInt64, newest: UInt64, String)
    case gap(UInt64, after: UInt64, String)
    /// An update that the run has refused was possible here.
    case accepted([RolloutID], String)
    /// The ledger does not tell what acted in a rollout that was trained on.
    case unknownActor(RolloutID)
    /// The run trains a token policy.
    case tokens(String)

    public var problem: String {
        switch self {
        case .noLedger: "the run has no ledger"
        case .noLife: "how a life of the learner was set up is not known"
        case .unknownVersion(let version, let newest, _): "the run has no version \(version); its newest is \(newest)"
        case .gap(let version, let before, _): "version \(version) follows version \(before)"
        case .accepted(let ids, _): "the update with \(ids.map(\.description).joined(separator: ", ")) was refused in the run, and is not here"
        case .unknownActor(let id): "what acted in rollout \(id) is not known"
        case .tokens: "the run trains a token policy, whose responses may go on over several versions"
        }
    }
    public var place: String {
        switch self {
        case .noLedger(let path), .noLife(let path), .unknownVersion(_, _, let path), .gap(_, _, let path), .accepted(_, let path),
            .tokens(let path): path
        case .unknownActor: "the ledger"
        }
    }
    public var remedy: String {
        switch self {
        case .noLedger: "Runs with --lockstep have none: start them again with the same seed."
        case .noLife: "Only runs that were made by this version of Apus from their start can be made again."
        case .unknownVersion: "Give a version up to the newest one with --to."
        case .gap, .unknownActor: "See what apus ledger check says of it."
        case .tokens: "Only runs of steps can be made again from their ledger; apus ledger check proves the accounts of this one."
        case .accepted: "The environment, the machine or the program is not the one that the run was made with."
        }
    }
}
