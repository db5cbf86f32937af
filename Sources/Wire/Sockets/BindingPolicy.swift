import Platform

/// Who may listen where. Loopback and unix sockets need nothing; anything that other hosts can reach has no protection yet but the
/// network's own.
public enum BindingPolicy {
    public static func check(_ endpoint: Endpoint, insecure: Bool) throws(SocketError) {
        guard !endpoint.isLocal, !insecure else { return }
        throw SocketError(
            problem: "\(endpoint) can be reached from other hosts, and traffic is neither encrypted nor authenticated", place: "--bind",
            remedy: "Bind to 127.0.0.1 and forward the ports through ssh, or give --insecure in a network that you trust.")
    }
}
