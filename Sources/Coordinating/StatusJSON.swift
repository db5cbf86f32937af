import Platform
import Wire

/// A coordinator's answer for programs.
public enum StatusJSON {
    /// - Parameter coordinator: how it was reached.
    public static func object(_ status: Status, coordinator: String) -> JSON {
        .object([
            // Numbers of 64 bits are texts: JSON readers take numbers for doubles.
            .init("run", .string("\(status.run)")), .init("run_name", .string(status.runName)),
            .init("run_directory", .string(status.runDirectory)), .init("coordinator", .string(coordinator)),
            .init("age_seconds", .number(status.ageSeconds)), .init("refused", .integer(Int(clamping: status.refused))),
            .init("members", .array(status.members.map(json))), .init("last_record", status.lastRecord.map(json) ?? .null),
            .init("gauges", json(status.gauges)), .init("events", .array(status.events.map(json))),
        ])
    }

    private static func json(_ member: MemberStatus) -> JSON {
        .object([
            .init("role", .string("\(member.role)")), .init("rank", .integer(Int(member.place.rank))),
            .init("incarnation", .integer(Int(member.place.incarnation))), .init("host", .string(member.host)),
            .init("pid", .integer(Int(member.pid))), .init("silent_seconds", .number(member.silentSeconds)),
            .init("age_seconds", .number(member.ageSeconds)), .init("clock_ahead_seconds", member.clockAhead.map(JSON.number) ?? .null),
            .init("busy_share", member.busyShare.map(JSON.number) ?? .null),
            .init("wait_shares", .object(member.waitShares.map { .init($0.name, .number($0.share)) })),
            .init("gauges", json(member.gauges)),
            .init(
                "waits",
                .array(
                    member.waits.map {
                        .object([
                            .init("resource", .string($0.resource)), .init("holder", .string($0.holder)),
                            .init("seconds", .number($0.seconds)), .init("thread", .string($0.thread)),
                            .init("deadline_seconds", $0.deadline.map(JSON.number) ?? .null), .init("detail", .string($0.detail)),
                        ])
                    })),
            .init(
                "streams",
                .array(
                    member.streams.map {
                        .object([
                            .init("rank", .integer(Int($0.actor.rank))), .init("incarnation", .integer(Int($0.actor.incarnation))),
                            .init("received", .integer(Int(clamping: $0.received))),
                            .init("acknowledged", .integer(Int(clamping: $0.acknowledged))), .init("tickets", .integer(Int($0.tickets))),
                            .init("silent_seconds", .number($0.silentSeconds)),
                        ])
                    })),
        ])
    }

    private static func json(_ event: MembershipEvent) -> JSON {
        .object([
            .init("kind", .string("\(event.kind)")), .init("seconds_ago", .number(event.secondsAgo)), .init("text", .string(event.text)),
            .init("count", .integer(Int(event.count))), .init("role", event.subject.map { .string("\($0.role)") } ?? .null),
            .init("rank", event.subject.map { .integer(Int($0.place.rank)) } ?? .null),
            .init("incarnation", event.subject.map { .integer(Int($0.place.incarnation)) } ?? .null),
            .init("host", event.subject.map { .string($0.host) } ?? .null), .init("pid", event.subject.map { .integer(Int($0.pid)) } ?? .null),
        ])
    }

    private static func json(_ record: Record) -> JSON {
        .object([
            .init("time", .number(record.time)), .init("version", .integer(Int(clamping: record.version))),
            .init("frames", .integer(Int(clamping: record.frames))), .init("scalars", json(record.scalars)),
            .init(
                "outcome",
                record.outcome.map { .object([.init("solved", .bool($0.solved)), .init("reason", .string($0.reason))]) } ?? .null),
        ])
    }

    private static func json(_ gauges: [Gauge]) -> JSON { .object(gauges.map { .init($0.name, .number($0.value)) }) }
}
