import Platform
import Wire

/// Environments that do not come back.
enum EnvironmentRule {
    /// A step that lasts so many usual ones hangs; a slow environment is merely slow.
    private static let usualSteps = 20.0

    static func explanations(_ view: RunView) -> [Explanation] {
        let hung = view.actors.compactMap { actor -> (MemberStatus, Wait)? in
            let limit = max(Diagnosis.long, usualSteps * (actor["step_seconds"] ?? 0))
            return actor.waits.filter { $0.holder == "environment" && $0.seconds >= limit }.max { $0.seconds < $1.seconds }.map { (actor, $0) }
        }
        return hung.map { actor, wait in
            let deadline = wait.deadline.map { ", which is killed after \(Format.seconds($0))" } ?? ""
            return Explanation(
                .hungEnvironment, weight: view.actorWeight, "the environment of \(actor.name)",
                "the environment of \(actor.words) hangs: \(wait.resource) for \(Format.seconds(wait.seconds)) (\(wait.detail))\(deadline); "
                    + view.consequence(of: hung.count),
                remedy: wait.deadline == nil
                    ? "Kill the actor: an environment inside its process cannot be killed alone."
                    : "Mend the environment; environment.options.step_deadline says how long a step may take.")
        }
    }
}

/// Rollouts and acknowledgements that do not arrive.
enum StreamRule {
    static func explanations(_ view: RunView) -> [Explanation] {
        guard let learner = view.learner, learner.silentSeconds < Diagnosis.silence else { return [] }
        var explanations: [Explanation] = []
        var cut = 0
        for actor in view.actors where !view.isSilent(actor) {
            guard let wait = actor.wait(for: "acknowledgement"), wait.seconds >= Diagnosis.long, let produced = actor.count("produced"),
                let open = actor.count("unacknowledged"), open > 0
            else { continue }
            let oldest = produced - min(open, produced) + 1
            let silence = actor["learner_silent_seconds"] ?? 0
            let stream = learner.streams.first { $0.actor == actor.place }
            let waits = "\(actor.words) has waited \(Format.seconds(wait.seconds)) for the \(wait.resource)"
            cut += 1
            // The learner answers twice a second: without answers for so long, they are lost, whatever it has to say.
            if silence >= Diagnosis.long, let stream, stream.silentSeconds < Diagnosis.silence, stream.acknowledged >= oldest {
                explanations.append(
                    Explanation(
                        .lostAcknowledgement, weight: view.actorWeight, "the way from the learner to \(actor.name)",
                        "\(waits), which the learner has given (up to \(stream.acknowledged)): what the learner sends to it is lost; "
                            + "the learner hears it, it has not heard the learner for \(Format.seconds(silence))",
                        remedy: "Look at the network from \(learner.host) to \(actor.host), in this direction."))
            } else if silence >= Diagnosis.silence {
                explanations.append(
                    Explanation(
                        .cutLink, weight: view.actorWeight, "the link between \(actor.name) and the learner",
                        "the link between \(actor.words) and the learner on \(learner.host) is cut: it has not heard the learner for "
                            + "\(Format.seconds(silence)), and keeps \(counted(Int(open), "rollout"))",
                        remedy: "Look at the network between \(actor.host) and \(learner.host)."))
            } else if let stream, stream.received < oldest {
                explanations.append(
                    Explanation(
                        .lostRollout, weight: view.actorWeight, "rollout \(actor.place)/\(oldest)",
                        "\(waits), which has not arrived: the learner has \(stream.received) rollouts of it",
                        remedy: "Look at both logs, and report this with them."))
            } else {
                cut -= 1
            }
        }
        return explanations
    }
}

/// Everybody waits for everybody.
enum CreditRule {
    static func explanations(_ view: RunView) -> [Explanation] {
        guard let learner = view.learner, let starved = view.starved, !view.actors.isEmpty,
            let cycle = view.graph.cycle(through: .member(.learner, learner.place), atLeast: Diagnosis.long),
            // One actor that is not part of it will bring rollouts.
            view.actors.allSatisfy({ actor in actor.waits.contains { $0.holder == "learner" && $0.seconds >= Diagnosis.long } })
        else { return [] }
        let (needed, credits) = (Int(learner.count("rollouts_per_update") ?? 1), Int(learner.count("credits") ?? 1))
        let most = view.actors.count.multipliedReportingOverflow(by: credits)
        if !most.overflow, most.partialValue < needed {
            return [
                Explanation(
                    .exhaustedCredits, weight: Weight.cycle, "credits",
                    "credits are exhausted: \(counted(view.actors.count, "actor")) may send \(most.partialValue) rollouts before an update, "
                        + "and one update needs \(needed), so the learner and the actors have waited for each other for "
                        + Format.seconds(starved.seconds),
                    remedy: "Start more actors, or lower learner.rollouts_per_update.")
            ]
        }
        return [
            Explanation(
                .cycle, weight: Weight.cycle, "a cycle", "a cycle of waits: " + cycle.map(\.description).joined(separator: "; "),
                remedy: "Restart the learner: actors keep what was not acknowledged. Report this with the logs of both.")
        ]
    }
}

/// The replay gives nothing.
enum LimiterRule {
    static func explanations(_ view: RunView) -> [Explanation] {
        guard let learner = view.learner, let wait = learner.waits.first(where: { $0.holder == "replay limiter" && $0.seconds >= Diagnosis.long })
        else { return [] }
        return [
            Explanation(
                .limiter, weight: Weight.limiter, "the replay's limiter",
                "the replay's limiter holds training back: for \(Format.seconds(wait.seconds)) no batch has been drawn, \(wait.detail)",
                remedy: "Lower replay.minimum_steps or raise replay.ratio; at the start of a run it waits for replay.minimum_steps steps.")
        ]
    }
}
