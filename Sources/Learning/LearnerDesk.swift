import DequeModule
import Platform
import Rollouts
import Runs
import Tensors
import Wire

/// A rollout that waits to be trained on.
struct QueuedRollout: Sendable {
    var rollout: Rollout
    /// The learner's version when it arrived: divides its lag into a share while in flight and a share while queued.
    var arrivedAt: UInt64
}

/// A rollout that arrived in order and cannot be trained on.
struct FailedRollout: Sendable {
    var header: RolloutHeader
    var problem: String
    /// The fault is in its numbers, not in the message: `learner.on_nonfinite` decides whether the run goes on.
    var isNonFinite = false
    var id: RolloutID { header.id }
}

/// What the socket thread needs to serve actors; known once the learner has resumed.
struct LearnerOpening: Sendable {
    var intake: RolloutIntake.Settings
    var version: UInt64
    var shape: RolloutShape
    var weights: PublishedWeights
}

/// Where the learner's two threads meet: the one that trains, and the one that owns the sockets.
struct LearnerDesk {
    /// Set by the socket thread.
    var welcome: Welcome?
    var ending: Ending?
    var queue = Deque<QueuedRollout>()
    /// Rollouts that arrived but cannot be trained on, with the reason.
    var failed: [FailedRollout] = []
    /// Rollouts that will never arrive.
    var lost: [(place: MemberPlace, sequences: ClosedRange<UInt64>)] = []
    /// What actors have made that cannot be reached now.
    var missing: [(place: MemberPlace, produced: UInt64)] = []
    var bytesReceived: UInt64 = 0
    var actors = 0
    var duplicates: UInt64 = 0
    var refused: UInt64 = 0
    var waitingRecords = 0
    /// A bound on policy lag that somebody has asked for while the run goes on.
    var maxLag: Int?
    /// No stream is open any more.
    var streamsClosed = false

    /// Set by the training thread.
    var opening: LearnerOpening?
    /// Rollouts that have come to their end; `version` is the learner's after them.
    var ended: [RolloutID] = []
    var version: UInt64 = 0
    var publish: PublishedWeights?
    /// The bound that the trainer has taken: tickets follow it.
    var bound: Int?
    var records: [Record] = []
    /// Actors are to be told that the run is over.
    var closing: String?
    /// The training thread is done: say goodbye and return.
    var done: String?
    var meter: ShareMeter
    var gauges: [Gauge] = []
    /// For a batch.
    var rolloutsNeeded = 1
    /// What an actor may have sent and not seen acknowledged.
    var credits = 1
    /// Updates go on, but nothing is drawn from the replay: why, and since when.
    var limited: (why: String, since: Time)?

    /// What the training thread waits for, and from whom.
    var obstacle: (resource: String, holder: String) {
        actors == 0 ? ("actors", "coordinator") : ("rollouts (\(queue.count) of \(rolloutsNeeded))", "actors")
    }
}
