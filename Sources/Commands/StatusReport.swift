import Coordinating
import Platform
import Runs
import Wire

/// A coordinator's answer, for people and for programs.
struct StatusReport {
    let status: Status
    let coordinator: Endpoint
    /// Where the ledger lies on this host.
    let ledger: LedgerCheck.Report?

    private static let eventsShown = 5

    // MARK: For people

    var text: String {
        var lines = [
            "\(status.runName): led at \(coordinator) for \(Format.seconds(status.ageSeconds)), \(status.refused) messages refused"
        ]
        lines += progress
        lines += ["", status.members.isEmpty ? "Nobody takes part now." : members]
        let events = status.events.suffix(Self.eventsShown).map(\.line)
        if !events.isEmpty { lines += [""] + events }
        lines += status.rejected.suffix(Self.eventsShown).map {
            "\(Format.seconds($0.secondsAgo)) ago  key \(PublicKey.text(fingerprint: $0.fingerprint)) from \($0.address) was turned away, \($0.count) times"
        }
        if let ledger { lines += ["", identity(ledger)] }
        return lines.joined(separator: "\n")
    }

    private var progress: [String] {
        guard let record = status.lastRecord else { return ["No record yet."] }
        if let warmup = WarmupProgress({ record[$0] }) { return [warmup.text] }
        func number(_ name: String, _ places: Int) -> String { Format.decimal(record[name], places) }
        let rate = record["frames_per_second"].map(Format.count) ?? Format.absent
        var lines = [
            "version \(record.version), \(Format.count(Double(record.frames))) frames, \(rate) frames/s, "
                + "\(number("seconds", 1)) s of training",
            "training return \(Format.meanReturn(record["training_return"])), evaluation return \(Format.meanReturn(record["evaluation_return"]))",
        ]
        if record["policy_lag_mean"] != nil {
            lines.append(
                "policy lag \(number("policy_lag_mean", 2)) updates on average (\(number("policy_lag_in_flight", 2)) in flight, "
                    + "\(number("policy_lag_in_queue", 2)) in the queue), at most \(number("policy_lag_maximum", 0))")
        }
        if let outcome = record.outcome { lines.append("over: \(outcome.reason)") }
        return lines
    }

    private var members: String {
        // A column only where there are keys.
        let hasKeys = status.members.contains { $0.identity != nil }
        let keyColumn: [(title: String, alignment: TextTable.Alignment)] = hasKeys ? [("key", .left)] : []
        var table = TextTable(
            [("role", .left), ("place", .left)] + keyColumn + [
                ("host", .left), ("pid", .right), ("busy", .right), ("frames/s", .right), ("version", .right), ("publish lag", .right),
                ("age", .right), ("heard", .right), ("clock", .right), ("waits for", .left),
            ])
        for member in status.members {
            func number(_ name: String) -> String { Format.decimal(member[name], 0) }
            let key = hasKeys ? [member.identity?.name ?? Format.absent] : []
            table.add(
                ["\(member.role)", "\(member.place)"] + key + [
                    member.host, "\(member.pid)", Format.share(member.busyShare),
                    member["frames_per_second"].map(Format.count) ?? Format.absent, number("version"), number("publish_lag"),
                    Format.seconds(member.ageSeconds), "\(Format.seconds(member.silentSeconds)) ago", member.clock,
                    member.waits.map(\.words).joined(separator: ", "),
                ])
        }
        // Where the time of each went that was not work.
        let idle = status.members.compactMap { member in
            let shares = member.waitShares.filter { $0.share >= 0.005 }
            return shares.isEmpty
                ? nil
                : "\(member.role) \(member.place) waited for "
                    + shares.map { "\($0.name) \(Format.share($0.share))" }.joined(separator: ", ")
        }
        return ([table.text] + idle).joined(separator: "\n")
    }

    private func identity(_ ledger: LedgerCheck.Report) -> String {
        let totals = ledger.state.totals
        let parts = [
            ("trained", totals.trained), ("stale", totals.stale), ("filtered", totals.filtered), ("failed", totals.failed),
            ("cancelled", totals.cancelled), ("lost", totals.lost), ("rewound", totals.rewound), ("open", ledger.state.open),
        ].filter { $0.1 > 0 }
        return "rollouts: \(ledger.state.produced) produced = "
            + (parts.isEmpty ? "0" : parts.map { "\($1) \($0)" }.joined(separator: " + "))
            + (ledger.isSound ? "" : "; \(ledger.violationCount) violations, see: apus ledger check")
    }

    var json: JSON {
        guard case .object(let members) = StatusJSON.object(status, coordinator: coordinator.description) else { return .null }
        return .object(members + [.init("ledger", ledger?.json ?? .null)])
    }
}

extension Wait {
    /// "disk from disk (1.2 s of 10.0 s; checkpoints: checkpoint 7)"
    var words: String {
        let time = Format.seconds(seconds) + (deadline.map { " of \(Format.seconds($0))" } ?? "")
        let more = [thread, detail].filter { !$0.isEmpty }.joined(separator: ": ")
        return "\(resource) from \(holder) (\(time)\(more.isEmpty ? "" : "; \(more)"))"
    }
}

extension MembershipEvent {
    /// "3.1 s ago  actor 0.0 (process 12 on host) was lost: its process ended"
    var line: String {
        let what =
            switch kind {
            case .joined: "joined"
            case .returned: "is back"
            case .left: "left: \(text)"
            case .lost: "was lost: \(text)"
            case .refused: "refused\(count > 1 ? " \(count) times" : ""): \(text)"
            }
        let who = subject.map { "\($0.role) \($0.place) (process \($0.pid) on \($0.host)) " } ?? ""
        return "\(Format.seconds(secondsAgo)) ago  \(who)\(what)"
    }
}

extension MemberStatus {
    /// How far its clock is from the coordinator's, where that is worth a word.
    var clock: String {
        guard let clockAhead, abs(clockAhead) >= 0.1 else { return "" }
        return (clockAhead < 0 ? "-" : "+") + Format.seconds(abs(clockAhead))
    }
}
