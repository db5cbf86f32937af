import Platform
import Wire

/// The run is over.
enum OutcomeRule {
    static func explanations(_ view: RunView) -> [Explanation] {
        guard let outcome = view.status.lastRecord?.outcome else { return [] }
        return [Explanation(.over, weight: Weight.over, "nobody", "the run is over: \(outcome.reason)")]
    }
}

/// No learner, or one that waits for something other than rollouts.
enum LearnerRule {
    static func explanations(_ view: RunView) -> [Explanation] {
        guard let learner = view.learner else { return [missing(view)] }
        guard let wait = learner.wait(for: "evaluation"), wait.seconds >= Self.longEvaluation else { return [] }
        return [
            Explanation(
                .evaluation, weight: Weight.limiter, learner.name,
                "\(learner.words) has been evaluating for \(Format.seconds(wait.seconds)) (\(wait.detail)): no updates meanwhile",
                remedy: "Lower stop.evaluation_episodes, or evaluate apart: apus evaluate RUN.")
        ]
    }

    private static let longEvaluation = 3.0

    private static func missing(_ view: RunView) -> Explanation {
        let actors = view.actors.isEmpty ? "nobody acts" : "\(counted(view.actors.count, "actor")) can send nothing"
        if let event = view.departures(.learner).last, let subject = event.subject {
            return Departure.explanation(view, event, subject, weight: Weight.learner, consequence: "no updates are made and \(actors)")
        }
        return Explanation(
            .noLearner, weight: Weight.learner, "the learner", "no learner has joined: \(actors)",
            remedy: "Start one: apus-learner --coordinator \(view.evidence.address)")
    }
}

/// Nobody acts.
enum MissingActorRule {
    static func explanations(_ view: RunView) -> [Explanation] {
        guard view.learner != nil, view.actors.isEmpty else { return [] }
        let consequence = "no actor is left, and the learner waits for rollouts"
        if let event = view.departures(.actor).last, let subject = event.subject {
            return [Departure.explanation(view, event, subject, weight: Weight.noActor, consequence: consequence)]
        }
        return [
            Explanation(
                .noActor, weight: Weight.noActor, "actors", "no actor has joined: the learner waits for rollouts",
                remedy: "Start some: apus-actor --coordinator \(view.evidence.address)")
        ]
    }
}

/// Members that say nothing, and those that were lost a moment ago.
enum SilenceRule {
    /// For so long the loss of an actor is worth a word, in seconds.
    static let recent = 30.0

    static func explanations(_ view: RunView) -> [Explanation] {
        let silent = view.status.members.filter { member in
            view.isSilent(member) || member.silentSeconds > 0.6 && view.process(member.subject) == .stopped
        }
        var explanations = silent.map { member in
            Departure.silent(
                view, member.subject, member.silentSeconds, weight: member.role == .learner ? Weight.learner : view.actorWeight,
                consequence: member.role == .learner ? "no updates are made" : view.consequence(of: silent.count))
        }
        guard !view.actors.isEmpty else { return explanations }
        for event in view.departures(.actor) where event.kind == .lost && event.secondsAgo < recent {
            explanations.append(
                Departure.explanation(
                    view, event, event.subject!, weight: view.starved == nil ? Weight.departure : Weight.starvingActor,
                    consequence: view.consequence(of: 0)))
        }
        return explanations
    }
}

extension RunView {
    /// The last departures of members whose places nobody has taken since, oldest first.
    func departures(_ role: Role) -> [MembershipEvent] {
        var last: [UInt32: MembershipEvent] = [:]
        for event in status.events {
            guard let subject = event.subject, subject.role == role else { continue }
            last[subject.place.rank] = event
        }
        return last.values.filter { $0.kind == .left || $0.kind == .lost }.sorted { $0.secondsAgo > $1.secondsAgo }
    }
}

/// Why a member is not heard.
enum Departure {
    static func explanation(
        _ view: RunView, _ event: MembershipEvent, _ subject: MembershipEvent.Subject, weight: Int, consequence: String
    ) -> Explanation {
        let ago = "\(Format.seconds(event.secondsAgo)) ago"
        if event.kind == .left {
            return Explanation(
                subject.role == .actor ? .noActor : .noLearner, weight: weight, subject.name,
                "\(subject.words) left \(ago) (\(event.text)): \(consequence)", remedy: start(subject.role, view))
        }
        if view.process(subject) == .gone || event.text.contains("process ended") {
            return Explanation(
                .deadMember, weight: weight, subject.name, "\(subject.words) died \(ago): \(consequence)", remedy: start(subject.role, view))
        }
        return silent(view, subject, event.secondsAgo, weight: weight, consequence: consequence, lost: true)
    }

    /// - Parameter lost: the coordinator has given it up.
    static func silent(
        _ view: RunView, _ subject: MembershipEvent.Subject, _ seconds: Double, weight: Int, consequence: String, lost: Bool = false
    ) -> Explanation {
        let duration = Format.seconds(seconds)
        let silence = lost ? "was given up as silent \(duration) ago" : "has not been heard for \(duration)"
        switch view.process(subject) {
        case .stopped:
            return Explanation(
                .stoppedMember, weight: weight, subject.name, "\(subject.words) is stopped and \(silence): \(consequence)",
                remedy: "Let it go on: kill -CONT \(subject.pid)")
        case .gone:
            return Explanation(
                .deadMember, weight: weight, subject.name, "\(subject.words) is dead and \(silence): \(consequence)",
                remedy: start(subject.role, view))
        case .alive:
            return Explanation(
                .cutLink, weight: weight, subject.name,
                "\(subject.words) is alive but \(silence): its connection to the coordinator is cut\(seenByLearner(view, subject)); \(consequence)",
                remedy: "Look at the network between \(subject.host) and \(view.evidence.address).")
        case .elsewhere:
            let known = seenByLearner(view, subject)
            return Explanation(
                known.hasPrefix(", while") ? .cutLink : .silentMember, weight: weight, subject.name,
                known.hasPrefix(", while")
                    ? "\(subject.words) \(silence)\(known): the network between its host and the coordinator is cut; \(consequence)"
                    : "\(subject.words) \(silence)\(known): its host or network is down, or it is stopped; \(consequence)",
                remedy: "On \(subject.host): ps -o stat= -p \(subject.pid) (T: stopped, nothing: dead), and look at its network.")
        }
    }

    private static func start(_ role: Role, _ view: RunView) -> String { "Start another: apus-\(role) --coordinator \(view.evidence.address)" }

    private static func seenByLearner(_ view: RunView, _ subject: MembershipEvent.Subject) -> String {
        guard subject.role == .actor, let learner = view.learner, let stream = learner.streams.first(where: { $0.actor == subject.place })
        else { return "" }
        let seconds = stream.silentSeconds + learner.silentSeconds
        return stream.silentSeconds < Diagnosis.silence
            ? ", while the learner hears it" : ", and the learner has not heard it for \(Format.seconds(seconds))"
    }
}
