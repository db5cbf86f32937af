import CProtobufC

/// The constants of the contract in `proto/apus.proto`.
public enum WireProtocol {
    /// Both ends of a conversation must have the same number; a difference is refused with both named.
    public static let version: UInt32 = 8

    /// The largest control or stream message (without column frames), in bytes.
    public static let maximumMessageBytes = 1 << 20
    /// The largest status that a coordinator may give: every member has its part of it, some hundred bytes.
    public static let maximumStatusBytes = 64 << 20
    /// The largest single frame that any socket takes (`ZMQ_MAXMSGSIZE`): a peer that sends more is disconnected by ZeroMQ itself.
    public static let maximumFrameBytes: Int64 = 1 << 30
    /// Of protobuf-c, as it was found at the program's start.
    public static var protobufVersion: String { String(cString: protobuf_c_version()) }
    /// An actor never holds more unacknowledged rollouts than this.
    public static let maximumCredits = 1024
    /// Sequence numbers end here, far from where arithmetic on them would: an actor that claims more is refused.
    public static let maximumSequence: UInt64 = 1 << 62
    /// Every version, while there are few actors: see `LearnerSockets`.
    public static let weightsTopic: [UInt8] = Array("weights".utf8)
    /// What is meant for one actor: the newest version upon each subscription, and those that it may act with.
    public static func weightsTopic(of place: MemberPlace) -> [UInt8] { ownTopicPrefix + Array("\(place)".utf8) }
    public static let ownTopicPrefix: [UInt8] = Array("own/".utf8)
    /// No topic is longer.
    public static let maximumTopicBytes = 64
}

/// A message that breaks the contract. It is counted and answered; it never costs the receiver more than the look at it.
public enum WireError: Error, Equatable, CustomStringConvertible {
    case notProtobuf(message: String, bytes: Int)
    case oversize(message: String, bytes: Int, limit: Int)
    case missing(field: String)
    case invalid(field: String, value: String, allowed: String)
    case frames(expected: Int, found: Int)

    public var description: String {
        switch self {
        case .notProtobuf(let message, let bytes): "\(bytes) bytes are not a \(message) message of apus.proto"
        case .oversize(let message, let bytes, let limit): "a \(message) message of \(bytes) bytes exceeds the limit of \(limit)"
        case .missing(let field): "the field \(field) is missing"
        case .invalid(let field, let value, let allowed): "the field \(field) is \(value), allowed: \(allowed)"
        case .frames(let expected, let found): "\(found) frames instead of \(expected)"
        }
    }
}
