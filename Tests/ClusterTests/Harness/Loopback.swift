import Glibc

/// Ports of 127.0.0.1.
enum Loopback {
    static func anyFreePort() throws -> UInt16 {
        guard let port = bound(to: 0) else { throw Trouble("no free port: \(String(cString: strerror(errno)))") }
        return port
    }

    /// Whether somebody could listen there now.
    static func isFree(_ port: UInt16) -> Bool { bound(to: port) != nil }

    /// A plain connection to `tcp://127.0.0.1:PORT`.
    static func open(_ address: String) throws -> Int32 {
        guard let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) else { throw Trouble("\(address) has no port") }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let failed = withAddress(port) { connect(descriptor, $0, $1) != 0 }
        if failed {
            close(descriptor)
            throw Trouble("cannot connect to \(address): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    /// Sends `text` over a plain connection to `tcp://127.0.0.1:PORT`, and hangs up.
    static func send(_ text: String, to address: String) throws {
        let descriptor = try open(address)
        defer { close(descriptor) }
        // The other side may hang up first.
        _ = Array(text.utf8).withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        usleep(20_000)
    }

    /// Listens for a moment; the port, or nil when that was not possible.
    private static func bound(to port: UInt16) -> UInt16? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        // Connections that are closing do not count, as for every server.
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        return withAddress(port) { address, size in
            var size = size
            guard bind(descriptor, address, size) == 0, listen(descriptor, 1) == 0, getsockname(descriptor, address, &size) == 0 else {
                return nil
            }
            return UnsafeMutableRawPointer(address).assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port.bigEndian
        }
    }

    private static func withAddress<Result>(_ port: UInt16, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
