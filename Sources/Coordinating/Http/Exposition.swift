import Platform
import Wire

/// A run's numbers in the text format of Prometheus (version 0.0.4).
package struct Exposition {
    private let status: Status
    private let why: Explanation
    private var families: [Family] = []

    private enum Kind: String { case gauge, counter }

    private struct Family {
        let name: String
        let kind: Kind
        let help: String
        var samples: [Sample] = []
    }

    private typealias Sample = (labels: [(String, String)], value: Double)

    /// - Parameter why: what the diagnosis says.
    package init(_ status: Status, why: Explanation) {
        self.status = status
        self.why = why
        addRun()
        addMembers()
        addStreams()
        addRecord()
    }

    package var text: String {
        families.filter { !$0.samples.isEmpty }.map { family in
            let samples = family.samples.map { sample in
                let labels = sample.labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
                return "\(family.name)\(labels.isEmpty ? "" : "{\(labels)}") \(Self.number(sample.value))\n"
            }
            return "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.kind.rawValue)\n" + samples.joined()
        }.joined()
    }

    // MARK: Families

    private mutating func addRun() {
        one("apus_run_info", .gauge, "The run that is led; always 1.", 1, [("run", status.runName), ("protocol", "\(WireProtocol.version)")])
        one("apus_coordinator_uptime_seconds", .gauge, "Since this coordinator began to lead.", status.ageSeconds)
        one("apus_coordinator_refused_total", .counter, "Messages and peers that the coordinator refused.", Double(status.refused))
        for gauge in status.gauges {
            if gauge.name == "busy_share" { one("apus_coordinator_busy_ratio", .gauge, "The share of its time that the coordinator works.", gauge.value) }
            if gauge.name == "refused_keys" { one("apus_coordinator_refused_keys_total", .counter, "Connections refused for their key.", gauge.value) }
        }
        one(
            "apus_why", .gauge, "What apus why says: 1 for the cause of now.", 1,
            [("cause", why.cause.rawValue), ("fault", why.isFault ? "true" : "false"), ("culprit", why.culprit)])
        many("apus_members", .gauge, "Members that take part now.", Self.collect { family in
            for role in [Role.actor, .learner] {
                family.append(([("role", "\(role)")], Double(status.members.filter { $0.role == role }.count)))
            }
        })
    }

    private mutating func addMembers() {
        func each(_ name: String, _ kind: Kind, _ help: String, of role: Role? = nil, _ value: (MemberStatus) -> Double?) {
            many(name, kind, help, Self.collect { family in
                for member in status.members where role == nil || member.role == role {
                    if let value = value(member) { family.append((labels(of: member), value)) }
                }
            })
        }
        each("apus_member_silent_seconds", .gauge, "Since the member was heard.") { $0.silentSeconds }
        each("apus_member_uptime_seconds", .gauge, "Since the member joined.") { $0.ageSeconds }
        each("apus_member_clock_ahead_seconds", .gauge, "How far its clock is ahead of the coordinator's.") { $0.clockAhead }
        each("apus_member_busy_ratio", .gauge, "The share of its time that the member works.") { $0.busyShare }
        many("apus_member_wait_ratio", .gauge, "The share of its time that the member waits for a resource.", Self.collect { family in
            for member in status.members {
                for wait in member.waitShares { family.append((labels(of: member) + [("resource", wait.name)], wait.share)) }
            }
        })
        many("apus_member_wait_seconds", .gauge, "How long the member's threads have been waiting now, the longest of each holder.", Self.collect { family in
            for member in status.members {
                let waits = Dictionary(grouping: member.waits) { [$0.thread, $0.holder] }
                for (key, waits) in waits.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                    family.append(
                        (labels(of: member) + [("thread", key[0]), ("holder", key[1])], waits.map(\.seconds).max() ?? 0))
                }
            }
        })
        each("apus_actor_frames_total", .counter, "Environment steps.", of: .actor) { $0["frames"] }
        each("apus_actor_rollouts_total", .counter, "Rollouts that the actor has produced.", of: .actor) { $0["produced"] }
        each("apus_actor_unacknowledged_rollouts", .gauge, "Rollouts that wait for their acknowledgement.", of: .actor) { $0["unacknowledged"] }
        each("apus_actor_environment_failures_total", .counter, "Environments that were started again.", of: .actor) { $0["environment_failures"] }
        each("apus_actor_policy_version", .gauge, "The policy version that the actor holds.", of: .actor) { $0["version"] }
        each("apus_actor_publish_lag", .gauge, "The newest policy version minus the one that the actor holds.", of: .actor) { $0["publish_lag"] }
        each("apus_learner_policy_version", .gauge, "The newest policy version.", of: .learner) { $0["version"] }
        each("apus_learner_queued_rollouts", .gauge, "Rollouts that wait to be trained on.", of: .learner) { $0["queued_rollouts"] }
        each("apus_learner_open_rollouts", .gauge, "Rollouts that are granted, under way or queued.", of: .learner) { $0["open_rollouts"] }
        each("apus_learner_duplicates_total", .counter, "Rollouts that came twice.", of: .learner) { $0["duplicates"] }
        each("apus_learner_refused_total", .counter, "Messages of actors that the learner refused.", of: .learner) { $0["refused"] }
        each("apus_learner_received_bytes_total", .counter, "Bytes of rollouts.", of: .learner) { $0["bytes_received"] }
        each("apus_learner_waiting_records", .gauge, "Records that the coordinator has not taken.", of: .learner) { $0["waiting_records"] }
        many("apus_ledger_rollouts_total", .counter, "Rollouts by their end in the ledger.", Self.collect { family in
            for learner in status.members where learner.role == .learner {
                for gauge in learner.gauges where gauge.name.hasPrefix(ledgerPrefix) && !["open", "produced"].contains(gauge.name.dropFirst(ledgerPrefix.count)) {
                    family.append(([("end", String(gauge.name.dropFirst(ledgerPrefix.count)))], gauge.value))
                }
            }
        })
    }

    private mutating func addStreams() {
        many("apus_stream_silent_seconds", .gauge, "Since the learner heard the actor.", Self.collect { family in
            for stream in status.members.first(where: { $0.role == .learner })?.streams ?? [] {
                family.append(
                    ([("rank", "\(stream.actor.rank)"), ("incarnation", "\(stream.actor.incarnation)")], stream.silentSeconds))
            }
        })
    }

    private mutating func addRecord() {
        guard let record = status.lastRecord else { return }
        one("apus_trained_frames_total", .counter, "Environment steps trained on.", Double(record.frames))
        many("apus_policy_lag_updates", .gauge, "Policy lag in the last record, in updates.", Self.collect { family in
            for name in ["mean", "in_flight", "in_queue", "maximum"] {
                if let value = record["policy_lag_\(name)"] { family.append(([("statistic", name)], value)) }
            }
        })
        many("apus_record", .gauge, "The quantities of the last record.", Self.collect { family in
            for scalar in record.scalars { family.append(([("quantity", scalar.name)], scalar.value)) }
        })
    }

    // MARK: Parts

    private let ledgerPrefix = "ledger/"

    private func labels(of member: MemberStatus) -> [(String, String)] {
        [
            ("role", "\(member.role)"), ("rank", "\(member.place.rank)"), ("incarnation", "\(member.place.incarnation)"), ("host", member.host),
        ]
    }

    private mutating func one(_ name: String, _ kind: Kind, _ help: String, _ value: Double, _ labels: [(String, String)] = []) {
        families.append(Family(name: name, kind: kind, help: help, samples: [(labels, value)]))
    }

    private mutating func many(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        // What a peer says twice would make the whole page unreadable.
        var seen: Set<[String]> = []
        let distinct = samples.filter { seen.insert($0.labels.flatMap { [$0.0, $0.1] }).inserted }
        families.append(Family(name: name, kind: kind, help: help, samples: distinct))
    }

    private static func collect(_ fill: (inout [Sample]) -> Void) -> [Sample] {
        var samples: [Sample] = []
        fill(&samples)
        return samples
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            // Other control characters mean nothing in a label, and break some readers' lines.
            case _ where character.value < 0x20 || character == "\u{85}" || character == "\u{2028}" || character == "\u{2029}": escaped += " "
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value == value.rounded() && abs(value) < 0x1p53 ? "\(Int(value))" : "\(value)"
    }
}
