import Glibc

/// Whether an address can be reached from this host.
public enum Reach {
    /// - Returns: nil when somebody accepts a connection; otherwise why not.
    public static func problem(host: String, port: UInt16, seconds: Double) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        let status = getaddrinfo(bare, "\(port)", &hints, &list)
        guard status == 0, let first = list else { return "\(host): \(String(cString: gai_strerror(status)))" }
        defer { freeaddrinfo(first) }
        var problem = "no address"
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let address = next?.pointee {
            guard let failure = failure(address, seconds: seconds) else { return nil }
            problem = String(cString: strerror(failure))
            next = address.ai_next
        }
        return "\(host):\(port): \(problem)"
    }

    private static func failure(_ address: addrinfo, seconds: Double) -> Int32? {
        let descriptor = socket(address.ai_family, address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue), address.ai_protocol)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return nil }
        guard errno == EINPROGRESS else { return errno }
        var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&item, 1, Int32(seconds * 1000)) > 0 else { return ETIMEDOUT }
        var (failure, size): (Int32, socklen_t) = (0, 4)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
        return failure == 0 ? nil : failure
    }
}
