import DequeModule
import Platform
import Rollouts
import Runs

/// Writes checkpoints on a thread of its own: flushing to the disk takes longer than many updates.
final class CheckpointWriter: Sendable {
    private struct State {
        var waiting: (checkpoint: TrainingCheckpoint, best: Bool)?
        var writing = false
        var closed = false
        var written: UInt64?
        var failure: (any Error)?
    }

    /// How long a checkpoint may take until it is worth a line, in seconds.
    static let reportInterval = 10.0

    private let state = Guarded(State())
    private let thread: WorkThread

    /// - Parameters:
    ///   - ledger: flushed to the disk before each checkpoint, so that it is never behind the weights.
    ///   - claim: the ledger's, without which nothing is written.
    ///   - keep: how many checkpoints stay.
    ///   - replays: where the replay's sequences go; nil without a replay.
    ///   - waits: where it says that it waits for the disk.
    init(_ store: CheckpointStore, ledger: String, claim: LedgerClaim, keep: Int, replays: ReplayStore?, waits: WaitRegister) {
        thread = WorkThread("checkpoints") { [state] in
            while true {
                let next = state.wait(until: Time(nanoseconds: .max)) { state -> (checkpoint: TrainingCheckpoint, best: Bool)?? in
                    if let waiting = state.waiting {
                        state.waiting = nil
                        state.writing = true
                        return .some(waiting)
                    }
                    return state.closed ? .some(nil) : nil
                }
                guard let next = next ?? nil else { return }
                func disk(_ what: String) -> WaitRegister.Entry {
                    WaitRegister.Entry(thread: "checkpoints", resource: "disk", holder: "disk", deadline: Self.reportInterval, detail: what)
                }
                do {
                    try waits.during(disk("flush of the ledger \(ledger)")) { try Files.flush(ledger) }
                    try waits.during(disk("checkpoint \(next.checkpoint.version) in \(store.directory)")) {
                        try next.checkpoint.write(to: store, replays: replays, confirm: claim.check)
                    }
                    try claim.check()
                    if next.best { try store.markBest(next.checkpoint.version) }
                    try store.prune(keep: keep)
                    if let replays { try TrainingCheckpoint.prune(replays, of: store) }
                    state.update {
                        $0.written = next.checkpoint.version
                        $0.writing = false
                    }
                } catch {
                    state.update {
                        $0.failure = error
                        $0.writing = false
                    }
                }
            }
        }
    }

    /// Hands a checkpoint over; waits while another one is being written.
    func write(_ checkpoint: TrainingCheckpoint, best: Bool) throws {
        while state.wait(until: .now + 60, { $0.waiting == nil ? true : nil }) == nil {}
        try state.update {
            if let failure = $0.failure { throw failure }
            $0.waiting = (checkpoint, best)
        }
    }

    /// Whether a checkpoint handed over now would be written at once.
    var isIdle: Bool { state.read { $0.waiting == nil && !$0.writing } }

    /// The first failure so far.
    func check() throws { try state.read { if let failure = $0.failure { throw failure } } }

    /// Waits until everything handed over is on the disk, and ends the thread.
    func close() throws {
        let first = state.update { state in
            defer { state.closed = true }
            return !state.closed
        }
        if first { thread.join() }
        try check()
    }
}
