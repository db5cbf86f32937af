import Platform
import Spawning

/// What came of a spawn.
struct SpawnResult {
    let hosts: [HostSpawn.Host]
    let coordinator: String
    let interrupted: Bool

    var failed: [String] { hosts.filter { $0.session.state == .failed }.map(\.plan.destination) }

    var json: JSON {
        .object([
            .init("coordinator", .string(coordinator)), .init("interrupted", .bool(interrupted)),
            .init("hosts", .array(hosts.map(Self.json))),
        ])
    }

    private static func json(_ host: HostSpawn.Host) -> JSON {
        let session = host.session
        return .object([
            .init("host", .string(host.plan.destination)), .init("count", .integer(host.plan.count)),
            .init("state", .string(session.state == .failed ? "failed" : "done")), .init("started", .integer(session.started)),
            .init("running", .integer(session.running)), .init("restarts", .integer(session.restarts)),
            .init("reconnects", .integer(session.reconnects)), .init("copied", .bool(session.isCopied)),
            .init("error", session.trouble.map { .string($0.description) } ?? .null),
        ])
    }
}
