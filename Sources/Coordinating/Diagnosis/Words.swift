import Wire

extension MemberStatus {
    /// "actor 0.0 (process 12 on host)"
    var words: String { subject.words }
    var name: String { subject.name }
    var subject: MembershipEvent.Subject { MembershipEvent.Subject(role: role, place: place, host: host, pid: pid) }

    /// A gauge that counts; whatever a peer may have sent, a number that can be used.
    func count(_ name: String) -> UInt64? {
        self[name].map { $0.isFinite && $0 > 0 ? UInt64(min($0, 0x1p53)) : 0 }
    }

    func wait(for resource: String) -> Wait? { waits.first { $0.resource.hasPrefix(resource) } }
}

extension MembershipEvent.Subject {
    var words: String { "\(role) \(place) (process \(pid) on \(host))" }
    var name: String { "\(role) \(place)" }
}

/// "1 actor", "2 actors"
func counted(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
