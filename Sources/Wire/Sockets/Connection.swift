import Platform

/// A socket that connects to one address, and what has become of its handshakes.
///
/// libzmq connects again by itself when a connection is lost, but gives up for good when the other side has refused the handshake. A key may be allowed
/// a moment later, so this one goes on.
public final class Connection {
    public let socket: Socket
    private let handshakes: HandshakeWatch
    private let endpoint: Endpoint
    private var refusals: UInt64 = 0
    private var refusedAt: Time?

    private static let pause = 0.3

    public init(_ socket: Socket, to endpoint: Endpoint, context: SocketContext) throws {
        self.socket = socket
        self.endpoint = endpoint
        handshakes = try HandshakeWatch(socket, context: context)
        try socket.connect(endpoint)
    }

    /// What to poll.
    public var sockets: [Socket] { [socket, handshakes.events] }

    /// Why no handshake has succeeded, and since when; nil: the last one has, or none was tried.
    public var fault: (fault: HandshakeFault, since: Time)? { handshakes.standing }

    /// Takes note of what has become of the handshakes, and tries again after a refusal.
    public func look(now: Time) {
        handshakes.look(now: now)
        if handshakes.refusals > refusals {
            refusals = handshakes.refusals
            refusedAt = refusedAt ?? now
        }
        guard let at = refusedAt, now - at > Self.pause else { return }
        refusedAt = nil
        socket.connectAgain(endpoint)
    }
}
