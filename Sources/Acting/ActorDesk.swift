import Platform
import Rollouts
import Wire

/// Where the actor's two threads meet: the one that steps environments, and the one that owns the sockets.
struct ActorDesk {
    /// Set by the socket thread.
    var welcome: Welcome?
    var weights: PublishedWeights?
    var ending: Ending?

    /// Whether the coordinator has told where the learner is.
    var located = false

    /// Set by the stepping thread, once it knows its network.
    var subscription: WeightsSubscription?
    /// The stream's state machine; both threads use it, under the desk's lock.
    var outbox: RolloutOutbox?
    /// What the stepping thread wants sent.
    var pending: [RolloutOutbox.Action] = []
    var stepping = true

    /// What is stepped, in words.
    var environment = ""
    var meter: ShareMeter
    var frames: UInt64 = 0
    /// Environments that failed and were started again.
    var failures: UInt64 = 0

    /// Why the stepping thread would have to wait now: the resource, who holds it, and what else there is to say; nil when nothing is missing.
    var obstacle: (resource: String, holder: String, detail: String)? {
        guard let outbox, outbox.isAttached else { return ("stream", "learner", located ? "" : "the coordinator has not told where it is") }
        guard let demanded = outbox.demandedVersion else { return ("credit", "learner", "") }
        guard let weights else { return ("weights", "learner", "the first ones") }
        return weights.version < demanded ? ("weights", "learner", "version \(demanded) or newer, it has \(weights.version)") : nil
    }
}
