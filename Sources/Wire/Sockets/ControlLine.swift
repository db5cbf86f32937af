import Platform

/// A member's connection to the coordinator, and why there is none.
public final class ControlLine {
    private let connection: Connection
    private let coordinator: Endpoint
    private let keys: Keys?

    /// How long every handshake must have failed before a process gives up that has never been a member, and one that is, in seconds.
    static let patience = 3.0
    static let memberPatience = 10.0

    public init(_ coordinator: Endpoint, keys: Keys?, context: SocketContext) throws {
        self.coordinator = coordinator
        self.keys = keys
        let socket = Socket(
            .dealer, in: context, frameLimit: Int64(WireProtocol.maximumMessageBytes),
            security: try .client(keys, server: keys?.coordinator, at: coordinator))
        connection = try Connection(socket, to: coordinator, context: context)
    }

    public var socket: Socket { connection.socket }
    /// What to poll.
    public var sockets: [Socket] { connection.sockets }

    /// Takes note of what has become of the handshakes; the reason to give up, if there is one.
    ///
    /// - Parameter isMember: the coordinator has welcomed this process before. Then a coordinator that only hangs up may still come round.
    public func look(isMember: Bool, now: Time) -> Refusal? {
        connection.look(now: now)
        guard let (fault, since) = connection.fault, now - since > (isMember ? Self.memberPatience : Self.patience) else { return nil }
        if isMember, fault == .hungUp { return nil }
        return HandshakeRefusal(fault, by: "the coordinator", at: coordinator, keys: keys, server: keys?.coordinator).refusal
    }
}
