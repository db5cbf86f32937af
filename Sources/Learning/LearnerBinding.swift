import Wire

/// Where a learner listens for actors.
public enum LearnerBinding: Sendable {
    /// Unix sockets in this folder; actors are told `advertised`.
    case folder(String, advertised: String)
    /// A host address for two tcp ports; actors are told `advertised`.
    case host(String, advertised: String)

    /// For rollouts and for weights.
    var endpoints: (rollouts: Endpoint, weights: Endpoint) {
        get throws {
            switch self {
            case .folder(let folder, _): try (Endpoint("ipc://\(folder)/rollouts"), Endpoint("ipc://\(folder)/weights"))
            case .host(let host, _): try (Endpoint("tcp://\(host):*"), Endpoint("tcp://\(host):*"))
            }
        }
    }

    /// What actors are told of an address as bound: `tcp://0.0.0.0:1234` → `tcp://HOST:1234`.
    func told(_ endpoint: Endpoint) -> String {
        switch (self, endpoint.transport) {
        case (.folder(_, let advertised), .ipc(let path)): "ipc://\(advertised)/\(path.split(separator: "/").last ?? "")"
        case (.host(_, let advertised), .tcp(_, let port?)): "tcp://\(advertised):\(port)"
        default: endpoint.description
        }
    }
}
