import Glibc
import Platform

/// How a process presents itself to the coordinator.
public struct ProcessIdentity: Sendable {
    public let token: UInt64
    public let host: String
    public let pid: UInt32

    public init() {
        token = UInt64.random(in: 1...UInt64.max)
        host = Self.hostName
        pid = UInt32(getpid())
    }

    public static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    public func hello(_ role: Role) -> Hello { Hello(role: role, token: token, host: host, pid: pid) }
}

/// How a role ended. The exit codes tell the cases apart.
public enum Ending: Sendable {
    /// The run is over, or everything asked for is done.
    case finished(reason: String)
    /// Asked to leave by a signal, and left in order.
    case interrupted
    /// Another part of Apus will not take this process.
    case refused(Refusal)
    case failed(any Error)

    public var exitCode: Int32 {
        switch self {
        case .finished, .interrupted: 0
        case .failed: 1
        case .refused: 3
        }
    }

    public var description: String {
        switch self {
        case .finished(let reason): reason
        case .interrupted: "interrupted"
        case .refused(let refusal): refusal.description
        case .failed(let error): "\(error)"
        }
    }
}
