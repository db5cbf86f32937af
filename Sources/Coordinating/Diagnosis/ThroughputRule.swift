import Platform
import Runs
import Wire

/// What limits a run in which nothing is wrong.
enum ThroughputRule {
    static func explanations(_ view: RunView) -> [Explanation] {
        guard let learner = view.learner, !view.actors.isEmpty else { return [] }
        if let warmup = WarmupProgress({ learner[$0] }) {
            return [explanation(.starting, learner.name, "\(learner.words) is not training yet; \(warmup.text)", nil)]
        }
        if let seconds = learner["busy_seconds"], seconds >= longUpdate {
            return [
                explanation(
                    .learnerBound, learner.name, "\(learner.words) has been busy with one update for \(Format.seconds(seconds))",
                    "Smaller batches (learner.rollouts_per_update, actors.unroll) or more learner.threads make updates shorter.")
            ]
        }
        guard let busy = learner["learner_busy_share"], view.status.lastRecord != nil else {
            let waits = (learner.waits + view.actors.flatMap(\.waits)).max { $0.seconds < $1.seconds }
            let what = waits.map { ": the longest wait is for \($0.resource) from \($0.holder), \(Format.seconds($0.seconds))" } ?? ""
            return [explanation(.starting, "the start", "the run has just begun and has no record yet\(what)", nil)]
        }
        let acting = mean(view.actors.compactMap { $0["busy_share"] })
        let forCredit = mean(view.actors.map { $0["wait_share/credit"] ?? 0 })
        let forWeights = mean(view.actors.map { $0["wait_share/weights"] ?? 0 })
        let forRollouts = learner["learner_wait_share/rollouts"] ?? 0
        let rate = view.status.lastRecord?["frames_per_second"].map { " at \(Format.count($0)) frames/s" } ?? ""
        let (actors, wait) = (counted(view.actors.count, "actor"), view.actors.count == 1 ? "waits" : "wait")
        if forWeights > forCredit, forWeights > 0.3, busy < 0.9 {
            return [
                explanation(
                    .lagBound, "the bound on policy lag",
                    "nothing is wrong\(rate): the bound on policy lag limits it, \(actors) \(wait) for newer weights \(Format.share(forWeights)) of the time",
                    "Raise learner.max_lag: apus adjust RUN --max-lag N.")
            ]
        }
        if busy >= acting || busy >= 0.9 {
            let queue = Int(learner.count("queued_rollouts") ?? 0)
            return [
                explanation(
                    .learnerBound, "the learner",
                    "nothing is wrong\(rate): the learner is the bottleneck, busy \(Format.share(busy)), with \(counted(queue, "rollout")) in its "
                        + "queue; \(actors) \(wait) for credit \(Format.share(forCredit)) of the time",
                    "More learner.threads or a smaller network make it faster; more actors do not.")
            ]
        }
        return [
            explanation(
                .actorBound, "the actors",
                "nothing is wrong\(rate): \(actors) \(view.actors.count == 1 ? "is" : "are") the bottleneck, busy \(Format.share(acting)); the learner waits for rollouts "
                    + "\(Format.share(forRollouts)) of the time", "Start more actors.")
        ]
    }

    /// In seconds.
    private static let longUpdate = 2.0

    private static func explanation(_ cause: Explanation.Cause, _ culprit: String, _ sentence: String, _ remedy: String?) -> Explanation {
        Explanation(cause, weight: Weight.throughput, culprit, sentence, remedy: remedy)
    }

    private static func mean(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count) }
}
