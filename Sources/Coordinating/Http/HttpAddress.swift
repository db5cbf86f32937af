import Glibc
import Platform

/// HOST:PORT, where a server listens.
public struct HttpAddress: Sendable, CustomStringConvertible {
    public let description: String
    private let host: String
    private let port: String

    public init(_ text: String) throws(HttpError) {
        guard let colon = text.lastIndex(of: ":"), let number = UInt16(text[text.index(after: colon)...]) else {
            throw HttpError(problem: "\"\(text)\" is no address", remedy: "Write it as HOST:PORT, for example 127.0.0.1:7780.")
        }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else {
            throw HttpError(problem: "\"\(text)\" names no host", remedy: "Write it as HOST:PORT, for example 127.0.0.1:7780.")
        }
        (description, self.host, port) = (text, String(host), "\(number)")
    }

    /// Who may listen where: what is served has no secrets in it, but names hosts, processes and results.
    public func check(open: Bool) throws(HttpError) {
        let loopback = try resolved { $0.allSatisfy(Self.isLoopback) }
        guard !loopback, !open else { return }
        throw HttpError(
            problem: "\(description) can be reached from other hosts: everybody there could read who takes part in the run and what comes out",
            remedy: "Listen on 127.0.0.1, or give --http-open in a network that you trust. Nothing can be changed through it.")
    }

    /// A listening descriptor.
    func listen() throws(HttpError) -> Int32 {
        var code: Int32 = 0
        let descriptor = try resolved { infos -> Int32? in
            for info in infos {
                let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
                guard descriptor >= 0 else { continue }
                var yes: Int32 = 1
                setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
                if bind(descriptor, info.ai_addr, info.ai_addrlen) == 0, Glibc.listen(descriptor, 64) == 0 { return descriptor }
                code = errno
                close(descriptor)
            }
            return nil
        }
        guard let descriptor else {
            throw HttpError(
                problem: "cannot listen on \(description): \(String(cString: strerror(code)))", remedy: "Choose another address with --http.")
        }
        return descriptor
    }

    /// The address that a descriptor listens on.
    static func local(of descriptor: Int32) -> String {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var (host, port) = ([CChar](repeating: 0, count: 256), [CChar](repeating: 0, count: 16))
        withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &size)
                _ = getnameinfo($0, size, &host, 256, &port, 16, NI_NUMERICHOST | NI_NUMERICSERV)
            }
        }
        let name = String(writtenBy: host)
        return "\(name.contains(":") ? "[\(name)]" : name):\(String(writtenBy: port))"
    }

    private func resolved<Result>(_ body: ([addrinfo]) -> Result) throws(HttpError) -> Result {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var first: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, port, &hints, &first)
        guard status == 0, let first else {
            throw HttpError(
                problem: "\(host) is no address of this host: \(String(cString: gai_strerror(status)))", remedy: "Give --http an address of this host.")
        }
        defer { freeaddrinfo(first) }
        return body(Array(sequence(first: first.pointee, next: { $0.ai_next?.pointee })))
    }

    private static func isLoopback(_ info: addrinfo) -> Bool {
        switch info.ai_family {
        case AF_INET:
            info.ai_addr.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt32(bigEndian: $0.pointee.sin_addr.s_addr) >> 24 == 127 }
        case AF_INET6:
            info.ai_addr.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin6_addr) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
            }
        default: false
        }
    }
}

/// An address that cannot be served at.
public struct HttpError: Remediable, Equatable {
    public let problem: String
    public var place: String { "--http" }
    public let remedy: String
}
