import Wire

/// Where a learner listens for actors.
public enum LearnerBinding: Sendable {
    /// Unix sockets in this folder.
    case folder(String)
    /// A host address for two tcp ports; actors are told `advertised`.
    case host(String, advertised: String)

    /// For rollouts and for weights.
    var endpoints: (rollouts: Endpoint, weights: Endpoint) {
        get throws {
            switch self {
            case .folder(let folder): try (Endpoint("ipc://\(folder)/rollouts"), Endpoint("ipc://\(folder)/weights"))
            case .host(let host, _): try (Endpoint("tcp://\(host):*"), Endpoint("tcp://\(host):*"))
            }
        }
    }

    /// What actors are told of an address as bound: `tcp://0.0.0.0:1234` → `tcp://HOST:1234`.
    func told(_ endpoint: Endpoint) -> String {
        guard case .host(_, let advertised) = self, case .tcp(_, let port?) = endpoint.transport else { return endpoint.description }
        return "tcp://\(advertised):\(port)"
    }
}
