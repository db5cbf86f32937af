import Platform
import Wire

/// Disks that take long.
enum DiskRule {
    static func explanations(_ view: RunView) -> [Explanation] {
        view.status.members.compactMap { member in
            guard let wait = member.waits.filter({ $0.holder == "disk" && $0.seconds >= Diagnosis.long }).max(by: { $0.seconds < $1.seconds })
            else { return nil }
            let consequence =
                wait.thread == "training" ? "no updates are made meanwhile" : "training goes on, but is not safe against a loss of power"
            return Explanation(
                .slowDisk, weight: wait.thread == "training" ? Weight.learner : Weight.disk, "the disk of \(member.host)",
                "the disk of \(member.host) is slow: \(member.name) has waited \(Format.seconds(wait.seconds)) for it (\(wait.detail)); \(consequence)",
                remedy: "Look at what else writes there, or raise learner.checkpoint_seconds.")
        }
    }
}

/// The ledger contradicts itself or what was acknowledged.
enum LedgerRule {
    static func explanations(_ view: RunView) -> [Explanation] {
        guard let account = view.evidence.account else { return [] }
        if account.violations > 0 {
            return [
                Explanation(
                    .unsoundLedger, weight: Weight.ledger, "the ledger",
                    "the ledger is not sound: \(counted(account.violations, "violation"))\(account.firstViolation.map { ", the first: \($0)" } ?? "")",
                    remedy: "apus ledger check \(view.evidence.directory ?? "RUN_DIR") tells all.")
            ]
        }
        // It is written before the acknowledgement, and was read after the status.
        return (view.learner?.streams ?? []).compactMap { stream in
            let ended = account.ended[stream.actor] ?? 0
            guard ended < stream.acknowledged else { return nil }
            return Explanation(
                .lostRollout, weight: Weight.ledger, "rollouts of actor \(stream.actor)",
                "\(counted(Int(clamping: stream.acknowledged - ended), "rollout")) of actor \(stream.actor) are lost: the learner has acknowledged "
                    + "\(stream.acknowledged), and the ledger knows the end of \(ended)",
                remedy: "Stop the run, keep its directory, and report this with the logs.")
        }
    }
}

/// Clocks that are wrong.
enum ClockRule {
    static func explanations(_ view: RunView) -> [Explanation] {
        let skewed = view.status.members.filter { abs($0.clockAhead ?? 0) >= Diagnosis.long }
        guard let worst = skewed.max(by: { abs($0.clockAhead!) < abs($1.clockAhead!) }), let ahead = worst.clockAhead else { return [] }
        let others = skewed.count == 1 ? "" : ", and of \(counted(skewed.count - 1, "other member"))"
        let consequence =
            worst.role == .learner ? "the times of the record are wrong"
            : "its log does not fit the others"
        return [
            Explanation(
                .clockSkew, weight: Weight.clock, "the clock of \(worst.host)",
                "the clock of \(worst.host) (\(worst.name)\(others)) is \(Format.seconds(abs(ahead))) \(ahead > 0 ? "ahead of" : "behind") "
                    + "the coordinator's: \(consequence)",
                remedy: "Set the clocks, best by NTP: timedatectl, chronyc makestep.")
        ]
    }
}

/// Somebody wants to take part and may not.
enum RefusalRule {
    /// For so long a refusal is worth a word, in seconds: who is refused tries again.
    private static let recent = 5.0

    /// The same for a key, whose holder gives up after some tries.
    private static let recentKey = 20.0

    static func explanations(_ view: RunView) -> [Explanation] {
        // It may be just the one that is missing.
        let missing = view.learner == nil || view.actors.isEmpty
        if let key = view.status.rejected.last, key.secondsAgo < recentKey {
            let fingerprint = PublicKey.text(fingerprint: key.fingerprint)
            return [
                Explanation(
                    .wrongKey, weight: missing ? Weight.learner + 1 : Weight.refusal, "the key \(fingerprint)",
                    "somebody at \(key.address) comes with the key \(fingerprint), which is not allowed: the coordinator has turned it away "
                        + "\(key.count == 1 ? "once" : "\(key.count) times, last") \(Format.seconds(key.secondsAgo)) ago",
                    remedy: "If it may take part: apus keys allow NAME KEY, as its own log says.")
            ]
        }
        guard let event = view.status.events.last(where: { $0.kind == .refused && $0.secondsAgo < recent }) else { return [] }
        return [
            Explanation(
                .refusedPeer, weight: missing ? Weight.learner + 1 : Weight.refusal, "a stranger",
                "the coordinator refuses somebody, \(event.count) times so far and \(Format.seconds(event.secondsAgo)) ago: \(event.text)",
                remedy: "Whoever is refused says why in its own log.")
        ]
    }
}
