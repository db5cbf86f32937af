import Platform

/// Who may listen where. Loopback and unix sockets need nothing; where other hosts can connect, keys decide who may.
public enum BindingPolicy {
    public static func check(_ endpoint: Endpoint, keys: Keys?, insecure: Bool) throws(SocketError) {
        guard !endpoint.isLocal, keys == nil, !insecure else { return }
        throw SocketError(
            problem: "\(endpoint) can be reached from other hosts, and without keys traffic is neither encrypted nor authenticated", place: "--bind",
            remedy: "Make keys with `apus keys new FOLDER` and give --keys FOLDER; or bind to 127.0.0.1; or give --insecure in a network that you trust.")
    }

    /// What to tell whoever has chosen to go without; nil when nothing is at stake.
    public static func warning(_ endpoint: Endpoint, keys: Keys?) -> String? {
        guard !endpoint.isLocal, keys == nil else { return nil }
        return "--insecure: everybody who reaches \(endpoint) can read this run, take part in it and stop it"
    }
}
