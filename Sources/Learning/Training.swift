import Acting
import Networks
import Environments
import Platform
import Rollouts
import Runs
import Tensors
import Wire

/// The learner's arithmetic: rollouts in, new weights out. It knows nothing of sockets or clocks, so that the serial and the distributed
/// learner are one. `Trainer` learns from steps, `TokenTrainer` from responses.
package protocol Training: AnyObject {
    var spec: RunSpec { get }
    /// What a rollout of this run looks like.
    var shape: RolloutShape { get }
    /// Of the parameters that are published, in order; `guidance` numbers follow them.
    var layout: ParameterLayout { get }
    var guidance: Int { get }
    /// The target policy's.
    var weights: Weights { get }
    /// The policy version: counts the updates.
    var version: UInt64 { get }
    /// Environment steps, or drawn tokens, that were trained on.
    var frames: UInt64 { get }
    /// The oldest data that may be trained on, in updates.
    var maxLag: Int { get }
    func bound(maxLag: Int)

    /// What is done before the first update of a run that resumes from nothing.
    func begin(_ report: (Beginning) throws -> Void) throws
    /// One update.
    func update(_ rollouts: [Rollout]) throws -> UpdateReport
    /// What actors act with: [count + guidance] float32.
    func published() -> SharedBytes
    /// Plays fresh episodes with the current version. Start states depend on seed and version alone.
    func evaluation() throws -> EvaluationResult

    /// Everything that the arithmetic needs to go on: weights and optimiser by name, counters.
    func snapshot() -> (weights: [Column], optimizer: [Column], statistics: JSON, replay: ReplaySnapshot?)
    /// Goes on from a snapshot.
    /// - Parameter store: where the replay's sequences lie; nil: the replay begins empty.
    func restore(_ checkpoint: TrainingCheckpoint, replay store: ReplayStore?) throws

    /// Who can compute an actor's log-probabilities again; nil: nobody.
    var mismatchNetwork: (any PolicyNetwork)? { get }
    /// Whether checkpoints hold a replay.
    var keepsReplay: Bool { get }
    /// What one rollout may hold.
    var maximumSlots: Int { get }
    /// What there is to tell when the run begins; nil: nothing.
    var announcement: String? { get }
    /// How many sequences were drawn from the replay so far; nil without one.
    var samplesDrawn: Int? { get }
    /// What gradient steps wait for; nil when they do not.
    var blocked: String? { get }
}

extension Training {
    package var guidance: Int { 0 }
    package func begin(_ report: (Beginning) throws -> Void) throws {}
    package var mismatchNetwork: (any PolicyNetwork)? { nil }
    package var keepsReplay: Bool { false }
    package var maximumSlots: Int { 65536 }
    package var announcement: String? { nil }
    package var samplesDrawn: Int? { nil }
    package var blocked: String? { nil }
}

/// A run was ended before its first update: there is nothing to keep.
struct EndedBeforeTraining: Error {
    let ending: Ending
}

/// What there is to tell before the first update.
package enum Beginning {
    case warmup(WarmupProgress)
    case note(String)
}

extension Record {
    /// Before the first update there is nothing else to record.
    init(sequence: UInt64, _ warmup: WarmupProgress) {
        self.init(sequence: sequence, time: Time.wall, version: 0, frames: 0, scalars: warmup.metrics.map { Gauge($0.name, $0.value) })
    }
}

extension RunSpec {
    /// The arithmetic that this run needs, at its start.
    ///
    /// - Parameter directory: where a replay on the disk and transcripts are put; nil: nowhere.
    package func training(catalogue: EnvironmentCatalogue = .current, directory: RunDirectory? = nil) throws -> any Training {
        if isTokenRun { return try TokenTrainer(self, directory: directory) }
        return try Trainer(self, catalogue: catalogue, folder: directory?.replay ?? ".")
    }
}
