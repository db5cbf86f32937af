import CZeroMQ

/// What the two ends of a connection prove to each other.
public enum SocketSecurity: Sendable {
    /// Nothing: for unix sockets, loopback, and networks that somebody trusts.
    case none
    /// CURVE: proves this identity to whoever connects, and lets in whom this process' `KeyDoor` allows.
    case server(KeyPair)
    /// CURVE: proves this identity to the holder of `server`, and talks to nobody else.
    case client(KeyPair, server: PublicKey)

    /// A unix socket's folder says who may connect; encryption would only cost time there.
    public static func server(_ keys: Keys?, at endpoint: Endpoint) -> SocketSecurity {
        guard let keys, endpoint.crossesNetwork else { return .none }
        return .server(keys.identity)
    }

    /// - Parameter server: the key that the other side must prove.
    public static func client(_ keys: Keys?, server: PublicKey?, at endpoint: Endpoint) throws(KeyError) -> SocketSecurity {
        guard endpoint.crossesNetwork else { return .none }
        switch (keys, server) {
        case (nil, nil): return .none
        case (let keys?, let server?): return .client(keys.identity, server: server)
        case (let keys?, nil):
            throw KeyError(
                "it is not known which key the program at \(endpoint) must have", keys.folder.coordinatorFile,
                "Copy the coordinator's identity.public to this file; for a learner without keys, start it with --keys.")
        case (nil, .some):
            throw KeyError("the program at \(endpoint) demands a key", "--keys", "Give --keys FOLDER (make one: apus keys new --for NAME).")
        }
    }
}

extension Endpoint {
    /// Bytes go through a network's stack: what is sent can be seen, and connections can come from anywhere.
    public var crossesNetwork: Bool { if case .tcp = transport { true } else { false } }
}

extension Socket {
    /// libzmq asks the door only about sockets that have a domain. It lets everybody in while there is no door: make that one first.
    private static let domain = "apus"

    func apply(_ security: SocketSecurity) {
        switch security {
        case .none: break
        case .server(let identity):
            set(ZMQ_CURVE_SERVER, 1)
            set(ZMQ_CURVE_SECRETKEY, identity.secret)
            set(ZMQ_ZAP_DOMAIN, Self.domain)
        case .client(let identity, let server):
            set(ZMQ_CURVE_SERVERKEY, server.z85)
            set(ZMQ_CURVE_PUBLICKEY, identity.publicKey.z85)
            set(ZMQ_CURVE_SECRETKEY, identity.secret)
        }
    }
}
