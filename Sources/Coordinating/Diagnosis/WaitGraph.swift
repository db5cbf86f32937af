import Platform
import Wire

/// Who waits for whom in a run, as its members tell it.
public struct WaitGraph: Sendable {
    /// A member, or something that belongs to one and waits for nobody: its environment, its disk, its replay's limiter.
    public enum Party: Hashable, Sendable, CustomStringConvertible {
        case coordinator
        case member(Role, MemberPlace)
        case part(String, of: Role, MemberPlace)

        public var description: String {
            switch self {
            case .coordinator: "the coordinator"
            case .member(let role, let place): "\(role) \(place)"
            case .part(let name, let role, let place): "the \(name) of \(role) \(place)"
            }
        }
    }

    public struct Edge: Sendable {
        public var from: Party
        public var to: Party
        public var wait: Wait

        public var description: String {
            let detail = wait.detail.isEmpty ? "" : ": \(wait.detail)"
            let thread = wait.thread.isEmpty ? "" : " (\(wait.thread))"
            return "\(from)\(thread) has waited \(Format.seconds(wait.seconds)) for \(wait.resource) from \(to)\(detail)"
        }
    }

    public private(set) var edges: [Edge] = []

    public init(_ status: Status) {
        for member in status.members {
            let party = Party.member(member.role, member.place)
            for wait in member.waits {
                for holder in Self.holders(wait.holder, of: member, in: status) { edges.append(Edge(from: party, to: holder, wait: wait)) }
            }
        }
    }

    private static func holders(_ name: String, of member: MemberStatus, in status: Status) -> [Party] {
        switch name {
        case "coordinator": [.coordinator]
        case "learner": status.members.filter { $0.role == .learner }.map { .member($0.role, $0.place) }
        case "actors": status.members.filter { $0.role == .actor }.map { .member($0.role, $0.place) }
        default: [.part(name, of: member.role, member.place)]
        }
    }

    /// The waits of each member that last at least so many seconds, along the graph from `start`, each once.
    public func chain(from start: Party, atLeast seconds: Double) -> [Edge] {
        var (seen, open, chain): (Set<Party>, [Party], [Edge]) = ([start], [start], [])
        while !open.isEmpty {
            let party = open.removeFirst()
            for edge in edges where edge.from == party && edge.wait.seconds >= seconds {
                chain.append(edge)
                if seen.insert(edge.to).inserted { open.append(edge.to) }
            }
        }
        return chain
    }

    /// The shortest way from `start` back to it along waits that last at least so many seconds; nil when there is none.
    public func cycle(through start: Party, atLeast seconds: Double) -> [Edge]? {
        var (seen, open): (Set<Party>, [[Edge]]) = ([], [[]])
        while !open.isEmpty {
            let path = open.removeFirst()
            let party = path.last?.to ?? start
            for edge in edges where edge.from == party && edge.wait.seconds >= seconds {
                if edge.to == start { return path + [edge] }
                if seen.insert(edge.to).inserted { open.append(path + [edge]) }
            }
        }
        return nil
    }
}
