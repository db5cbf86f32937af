import Platform
import Runs
import Wire

/// A coordinator's answer, for people and for programs.
struct StatusReport {
    let status: Status
    let coordinator: Endpoint
    /// Where the ledger lies on this host.
    let ledger: LedgerCheck.Report?

    // MARK: For people

    var text: String {
        var lines = [
            "\(status.runName): led at \(coordinator) for \(Format.seconds(status.ageSeconds)), \(status.refused) messages refused"
        ]
        lines += progress
        lines += ["", status.members.isEmpty ? "Nobody takes part now." : members]
        lines += status.rejected.reversed().prefix(4).map {
            "turned away: key \(PublicKey.text(fingerprint: $0.fingerprint)) from \($0.address), \($0.count) times, last \(Format.seconds($0.secondsAgo)) ago"
        }
        if let ledger { lines += ["", identity(ledger)] }
        return lines.joined(separator: "\n")
    }

    private var progress: [String] {
        guard let record = status.lastRecord else { return ["No record yet."] }
        func number(_ name: String, _ places: Int) -> String { Format.decimal(record[name], places) }
        let rate = record["frames_per_second"].map(Format.count) ?? Format.absent
        var lines = [
            "version \(record.version), \(Format.count(Double(record.frames))) frames, \(rate) frames/s, "
                + "\(number("seconds", 1)) s of training",
            "training return \(number("training_return", 1)), evaluation return \(number("evaluation_return", 1))",
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
        var table = TextTable([
            ("role", .left), ("place", .left)] + (hasKeys ? [("key", .left)] : []) + [("host", .left), ("pid", .right), ("busy", .right), ("frames/s", .right),
            ("version", .right),
            ("publish lag", .right), ("heard", .right), ("waits for", .left),
        ])
        for member in status.members {
            func number(_ name: String) -> String { Format.decimal(member[name], 0) }
            table.add([
                "\(member.role)", "\(member.place)"] + (hasKeys ? [member.identity?.name ?? Format.absent] : []) + [member.host, "\(member.pid)", Format.share(member.busyShare),
                member["frames_per_second"].map(Format.count) ?? Format.absent, number("version"), number("publish_lag"),
                "\(Format.seconds(member.silentSeconds)) ago",
                member.waits.map { "\($0.resource) from \($0.holder) (\(Format.seconds($0.seconds)))" }.joined(separator: ", "),
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

    // MARK: For programs

    var json: JSON {
        .object([
            // Numbers of 64 bits are texts: JSON readers take numbers for doubles.
            .init("run", .string("\(status.run)")), .init("run_name", .string(status.runName)),
            .init("run_directory", .string(status.runDirectory)), .init("coordinator", .string(coordinator.description)),
            .init("age_seconds", .number(status.ageSeconds)), .init("refused", .integer(Int(clamping: status.refused))),
            .init("members", .array(status.members.map(json))), .init("last_record", status.lastRecord.map(json) ?? .null),
            .init("ledger", ledger?.json ?? .null), .init("gauges", json(status.gauges)),
            .init(
                "rejected_keys",
                .array(
                    status.rejected.map {
                        .object([
                            .init("fingerprint", .string(PublicKey.text(fingerprint: $0.fingerprint))), .init("address", .string($0.address)),
                            .init("count", .integer(Int(clamping: $0.count))), .init("seconds_ago", .number($0.secondsAgo)),
                        ])
                    })),
        ])
    }

    private func json(_ member: MemberStatus) -> JSON {
        .object([
            .init("role", .string("\(member.role)")), .init("rank", .integer(Int(member.place.rank))),
            .init("incarnation", .integer(Int(member.place.incarnation))), .init("host", .string(member.host)),
            .init("pid", .integer(Int(member.pid))), .init("identity", member.identity.map { .string($0.name) } ?? .null),
            .init("fingerprint", member.identity.map { .string(PublicKey.text(fingerprint: $0.fingerprint)) } ?? .null), .init("silent_seconds", .number(member.silentSeconds)),
            .init("busy_share", member.busyShare.map(JSON.number) ?? .null),
            .init("wait_shares", .object(member.waitShares.map { .init($0.name, .number($0.share)) })),
            .init("gauges", json(member.gauges)),
            .init(
                "waits",
                .array(
                    member.waits.map {
                        .object([
                            .init("resource", .string($0.resource)), .init("holder", .string($0.holder)),
                            .init("seconds", .number($0.seconds)),
                        ])
                    })),
        ])
    }

    private func json(_ record: Record) -> JSON {
        .object([
            .init("time", .number(record.time)), .init("version", .integer(Int(clamping: record.version))),
            .init("frames", .integer(Int(clamping: record.frames))), .init("scalars", json(record.scalars)),
            .init(
                "outcome",
                record.outcome.map { .object([.init("solved", .bool($0.solved)), .init("reason", .string($0.reason))]) } ?? .null),
        ])
    }

    private func json(_ gauges: [Gauge]) -> JSON { .object(gauges.map { .init($0.name, .number($0.value)) }) }
}

extension MemberStatus {
    /// The learner's gauges are those of its records, where the shares carry its role.
    private var prefix: String { role == .learner ? "learner_" : "" }

    var busyShare: Double? { self["\(prefix)busy_share"] }

    var waitShares: [(name: String, share: Double)] {
        let start = "\(prefix)wait_share/"
        return gauges.filter { $0.name.hasPrefix(start) }.map { (String($0.name.dropFirst(start.count)), $0.value) }
    }
}
