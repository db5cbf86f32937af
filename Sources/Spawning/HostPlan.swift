import Platform

/// One host of a spawn: how to get there, and what is to run on it.
public struct HostPlan: Equatable, Sendable {
    /// What ssh is given: a name of ~/.ssh/config, a host name or an address.
    public var host: String
    public var user: String?
    public var port: Int?
    /// Actors on this host.
    public var count = 1
    /// Environments in each actor; nil: as the run says.
    public var slots: Int?
    /// Where program and state lie there; nil: `~/.cache/apus`.
    public var folder: String?
    /// More arguments for ssh.
    public var ssh: [String] = []

    public init(host: String) { self.host = host }

    /// `user@host`, as ssh takes it.
    public var destination: String { user.map { "\($0)@\(host)" } ?? host }

    static let counts = 1...4096

    /// A name that may stand on ssh's command line and in a path.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && !text.hasPrefix("-") && !text.hasPrefix(".")
            && text.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || $0.properties.numericType != nil || "._-:%".unicodeScalars.contains($0) }
    }
}

/// Hosts as they are written after `--hosts`: `a,b:4,user@c:2,[fe80::1]:2`.
public enum HostList {
    public static func parse(_ text: String) throws(HostListError) -> [HostPlan] {
        var plans: [HostPlan] = []
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            let plan = try self.plan(String(entry))
            guard !plans.contains(where: { $0.destination == plan.destination }) else { throw HostListError(entry: String(entry), why: "stands twice") }
            plans.append(plan)
        }
        return plans
    }

    private static func plan(_ entry: String) throws(HostListError) -> HostPlan {
        func invalid(_ why: String) -> HostListError { HostListError(entry: entry, why: why) }
        var rest = entry[...]
        var user: String?
        if let at = rest.lastIndex(of: "@") {
            user = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        var plan: HostPlan
        let count: Substring?
        if rest.first == "[" {
            guard let close = rest.firstIndex(of: "]") else { throw invalid("has no ]") }
            plan = HostPlan(host: String(rest[rest.index(after: rest.startIndex)..<close]))
            let after = rest[rest.index(after: close)...]
            guard after.isEmpty || after.first == ":" else { throw invalid("goes on after its ]") }
            count = after.isEmpty ? nil : after.dropFirst()
        } else {
            let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            plan = HostPlan(host: String(parts[0]))
            count = parts.count == 2 ? parts[1] : nil
        }
        guard HostPlan.isName(plan.host) else { throw invalid("is no name of a host") }
        if let user {
            guard HostPlan.isName(user) else { throw invalid("has no user's name before its @") }
            plan.user = user
        }
        if let count {
            guard let number = Int(count), HostPlan.counts.contains(number) else {
                throw invalid("has a count that is no number from 1 to \(HostPlan.counts.upperBound)")
            }
            plan.count = number
        }
        return plan
    }
}

public struct HostListError: Remediable, Equatable {
    let entry: String
    let why: String
    public var problem: String { "\"\(entry)\" \(why)" }
    public var place: String { "--hosts" }
    public var remedy: String { "Write hosts with commas between them, each as HOST, HOST:ACTORS or USER@HOST:ACTORS, for example a,b:4,me@c:2." }
}
