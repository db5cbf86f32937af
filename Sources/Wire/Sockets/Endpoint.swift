import Glibc
import Platform

/// An address of ZeroMQ: `tcp://HOST:PORT` (PORT may be `*` when binding), `ipc://PATH` or `inproc://NAME`.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    public enum Transport: Sendable, Hashable {
        case tcp(host: String, port: UInt16?)
        case ipc(path: String)
        case inproc(name: String)
    }

    public let transport: Transport
    public let description: String

    public init(_ text: String) throws(EndpointError) {
        func invalid(_ why: String) -> EndpointError { EndpointError(problem: "the address \"\(text)\" \(why)", place: "address") }
        guard let separator = text.firstRange(of: "://") else { throw invalid("has no transport") }
        let rest = String(text[separator.upperBound...])
        switch text[..<separator.lowerBound] {
        case "tcp":
            guard let colon = rest.lastIndex(of: ":"), colon != rest.startIndex else { throw invalid("has no port") }
            let port = rest[rest.index(after: colon)...]
            guard port == "*" || UInt16(port) != nil else { throw invalid("has a port that is no number from 0 to 65535") }
            transport = .tcp(host: String(rest[..<colon]), port: UInt16(port))
        case "ipc":
            guard !rest.isEmpty else { throw invalid("has no path") }
            // sockaddr_un holds 108 bytes, the closing zero included.
            guard rest.utf8.count <= 107 else { throw invalid("has a path of \(rest.utf8.count) bytes; unix sockets take 107") }
            transport = .ipc(path: rest)
        case "inproc":
            guard !rest.isEmpty else { throw invalid("has no name") }
            transport = .inproc(name: rest)
        default: throw invalid("has an unknown transport")
        }
        description = text
    }

    /// It stands for every address of a host.
    public var isEverywhere: Bool {
        if case .tcp(let host, _) = transport { ["0.0.0.0", "*", "[::]"].contains(host) } else { false }
    }

    /// Only programs on this host can reach it.
    public var isLocal: Bool {
        switch transport {
        case .ipc, .inproc: true
        case .tcp(let host, _): host == "localhost" || host == "[::1]" || host.hasPrefix("127.")
        }
    }
}

public struct EndpointError: Remediable, Equatable {
    public let problem: String
    public let place: String
    public var remedy: String = "Write tcp://HOST:PORT, for example tcp://127.0.0.1:7700, or ipc://PATH."
}
