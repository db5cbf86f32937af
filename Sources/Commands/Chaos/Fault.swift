import Platform

/// What happens to a run: one fault, which lasts for some seconds (a kill lasts no time; who is killed is started again).
struct Fault: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        /// kill −9.
        case kill
        /// SIGSTOP, and SIGCONT at the end.
        case pause
        /// A cut between the member and whoever it has these conversations with.
        case cut(Cut, services: [Service])
        /// Every byte between them comes so many seconds late.
        case delay(seconds: Double, services: [Service])
        /// So many bytes per second are let through, each way.
        case limit(bytesPerSecond: Int, services: [Service])
        /// The process gets this share of its time only.
        case slow(share: Double)
        /// No file that the process writes may grow (RLIMIT_FSIZE).
        case fullDisk
    }

    /// How a connection fails.
    enum Cut: String, Sendable, CaseIterable {
        /// Nothing comes through, and nobody is told: a cable. What was under way arrives when it is whole again.
        case silent
        /// Connections are closed, and new ones too: a router that refuses.
        case closed
        /// The far end is closed while the member believes that it is connected: a gateway that has forgotten.
        case halfOpen = "half-open"
    }

    /// A conversation between members.
    enum Service: String, Sendable, CaseIterable {
        case control, rollouts, weights

        var server: String { self == .control ? "coordinator" : "learner" }
    }

    var kind: Kind
    /// "coordinator", "learner", "actor-0", …
    var member: String
    /// Seconds since the first fault could come.
    var start: Double
    var seconds: Double

    var end: Double { start + seconds }

    var description: String {
        let lasting = seconds > 0 ? " for \(Format.decimal(seconds, 1)) s" : ""
        func to(_ services: [Service]) -> String { services.map(\.rawValue).joined(separator: " and ") }
        return switch kind {
        case .kill: "\(member) killed"
        case .pause: "\(member) stopped\(lasting)"
        case .cut(let cut, let services): "\(member) cut off, \(to(services)) (\(cut.rawValue))\(lasting)"
        case .delay(let delay, let services):
            "\(member) \(Format.decimal(delay * 1000, 0)) ms away, \(to(services))\(lasting)"
        case .limit(let rate, let services): "\(member) limited to \(Format.count(Double(rate))) B/s, \(to(services))\(lasting)"
        case .slow(let share): "\(member) slowed to \(Format.decimal(share * 100, 0)) %\(lasting)"
        case .fullDisk: "disk full for the \(member)\(lasting)"
        }
    }

    /// The kind in one word.
    var name: String {
        switch kind {
        case .kill: "kill"
        case .pause: "pause"
        case .cut: "cut"
        case .delay: "delay"
        case .limit: "limit"
        case .slow: "slow"
        case .fullDisk: "full disk"
        }
    }
}
