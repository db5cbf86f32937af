import Platform
import Wire

/// Why a run is as fast as it is, or does not go on: evidence in, explanations out. A pure function.
///
/// Rules look for one kind of culprit each. A explanation's weight tells how much of what is seen it explains: a coordinator or a learner that is
/// not there explains everything, a fault of one actor more when the learner waits for rollouts, and what limits the throughput is said when
/// nothing is wrong.
public struct Diagnosis: Sendable {
    /// The first one is the answer.
    public let explanations: [Explanation]
    /// Who waits for whom, from the learner on.
    public let chain: [String]

    /// A member that missed two heartbeats, and what lasts longer than any step, flush or answer usually does, in seconds.
    static let silence = 1.5
    static let long = 1.0

    public init(_ evidence: Evidence) {
        guard let status = evidence.status else {
            (explanations, chain) = ([CoordinatorRule.explanation(evidence)], [])
            return
        }
        let view = RunView(status, evidence)
        let rules: [(RunView) -> [Explanation]] = [
            OutcomeRule.explanations, LearnerRule.explanations, MissingActorRule.explanations, SilenceRule.explanations, EnvironmentRule.explanations,
            StreamRule.explanations, CreditRule.explanations, LimiterRule.explanations, DiskRule.explanations, LedgerRule.explanations, ClockRule.explanations,
            RefusalRule.explanations, ThroughputRule.explanations,
        ]
        // Of equal weight, the rule that stands first.
        explanations = rules.flatMap { $0(view) }.enumerated()
            .sorted { ($1.element.weight, $0.offset) < ($0.element.weight, $1.offset) }.map(\.element)
        chain = view.learner.map {
            view.graph.chain(from: .member(.learner, $0.place), atLeast: Self.long).map(\.description)
        } ?? []
    }

    public var answer: Explanation { explanations[0] }
}

/// The status of a run, as the rules look at it.
struct RunView {
    let status: Status
    let evidence: Evidence
    let learner: MemberStatus?
    let actors: [MemberStatus]
    let graph: WaitGraph

    init(_ status: Status, _ evidence: Evidence) {
        self.status = status
        self.evidence = evidence
        learner = status.members.first { $0.role == .learner }
        actors = status.members.filter { $0.role == .actor }
        graph = WaitGraph(status)
    }

    /// Whether a member has missed two heartbeats. Of many actors, each says less often that it lives.
    func isSilent(_ member: MemberStatus) -> Bool {
        let interval = member.role == .learner ? 0 : HeartbeatPace.interval(members: status.members.count)
        return member.silentSeconds >= max(Diagnosis.silence, 3 * interval)
    }

    /// What the training thread waits for from the actors, once that lasts.
    var starved: Wait? {
        learner?.waits.first { $0.thread == "training" && ["actors", "coordinator"].contains($0.holder) && $0.seconds >= Diagnosis.long }
    }

    /// What a fault of some actors means for the run.
    func consequence(of count: Int) -> String {
        if let starved { return "the learner has waited for rollouts for \(Format.seconds(starved.seconds))" }
        let others = actors.count - count
        return others > 0 ? "training goes on with \(counted(others, "other actor"))" : "the learner still has rollouts to train on"
    }

    /// The weight of a fault of an actor.
    var actorWeight: Int { starved == nil ? Weight.actor : Weight.starvingActor }

    func process(_ subject: MembershipEvent.Subject) -> ProcessSight {
        guard subject.host == evidence.host else { return .elsewhere }
        guard let state = evidence.processes[subject.pid], !state.hasEnded else { return .gone }
        return state.isStopped ? .stopped : .alive
    }

    enum ProcessSight { case elsewhere, gone, stopped, alive }
}

/// What explains more weighs more.
enum Weight {
    static let over = 110
    static let learner = 100
    static let ledger = 95
    static let noActor = 90
    static let starvingActor = 80
    static let cycle = 78
    static let disk = 75
    static let actor = 70
    static let limiter = 60
    static let refusal = 50
    static let clock = 45
    static let departure = 40
    static let throughput = 10
}
