import Platform

/// What the network between members is like now: set by who inflicts faults, read by the relay.
struct RelayConditions: Sendable {
    struct Link: Hashable, Sendable {
        var member: String
        var service: Fault.Service
    }

    struct Condition: Sendable, Equatable {
        var cut: Fault.Cut?
        var delay = 0.0
        var bytesPerSecond: Int?
    }

    private var links: [Link: Condition] = [:]
    /// The members' processes: who connects is known by its process id.
    var names: [Int32: String] = [:]
    var isClosing = false

    /// Of a process that has just been started and is not known yet: that of a whole network.
    func condition(of process: Int32, at service: Fault.Service) -> Condition {
        names[process].flatMap { links[Link(member: $0, service: service)] } ?? links[Link(member: service.server, service: service)]
            ?? Condition()
    }

    /// A fault begins.
    mutating func inflict(_ fault: Fault) {
        switch fault.kind {
        case .cut(let cut, let services): for service in services { self[fault, service].cut = cut }
        case .delay(let seconds, let services): for service in services { self[fault, service].delay = seconds }
        case .limit(let rate, let services): for service in services { self[fault, service].bytesPerSecond = rate }
        case .kill, .pause, .slow, .fullDisk: break
        }
    }

    /// All is well again between this member and the others.
    mutating func mend(_ member: String) { links = links.filter { $0.key.member != member } }

    private subscript(_ fault: Fault, _ service: Fault.Service) -> Condition {
        get { links[Link(member: fault.member, service: service)] ?? Condition() }
        set { links[Link(member: fault.member, service: service)] = newValue }
    }
}
