import Platform

/// One answer to the question why a run is as fast as it is, or does not go on.
public struct Explanation: Sendable, Equatable {
    /// What kind of culprit; the same words for programs in every version.
    public enum Cause: String, Sendable, CaseIterable {
        case coordinatorStopped = "coordinator_stopped"
        case coordinatorGone = "coordinator_gone"
        case coordinatorSilent = "coordinator_silent"
        case over
        case noLearner = "no_learner"
        case noActor = "no_actor"
        case deadMember = "dead_member"
        case stoppedMember = "stopped_member"
        case silentMember = "silent_member"
        case cutLink = "cut_link"
        case hungEnvironment = "hung_environment"
        case lostAcknowledgement = "lost_acknowledgement"
        case lostRollout = "lost_rollout"
        case unsoundLedger = "unsound_ledger"
        case slowDisk = "slow_disk"
        case exhaustedCredits = "exhausted_credits"
        case cycle
        case limiter
        case clockSkew = "clock_skew"
        case refusedPeer = "refused_peer"
        case wrongKey = "wrong_key"
        case evaluation
        case learnerBound = "learner_bound"
        case actorBound = "actor_bound"
        case lagBound = "lag_bound"
        case starting
    }

    public var cause: Cause
    /// Who or what it is, in two or three words.
    public var culprit: String
    /// One sentence that names the culprit and what it does to the run.
    public var sentence: String
    /// What mends it; nil where nothing is broken.
    public var remedy: String?
    /// What explains more comes first.
    var weight: Int

    init(_ cause: Cause, weight: Int, _ culprit: String, _ sentence: String, remedy: String? = nil) {
        self.cause = cause
        self.weight = weight
        self.culprit = culprit
        self.sentence = sentence
        self.remedy = remedy
    }

    /// Whether something is wrong, rather than merely slower than something else.
    public var isFault: Bool {
        switch cause {
        case .over, .evaluation, .learnerBound, .actorBound, .lagBound, .starting: false
        default: true
        }
    }

    public var json: JSON {
        .object([
            .init("cause", .string(cause.rawValue)), .init("fault", .bool(isFault)), .init("culprit", .string(culprit)),
            .init("sentence", .string(sentence)), .init("remedy", remedy.map(JSON.string) ?? .null),
        ])
    }
}
