import CZeroMQ
import Glibc
import Platform

/// A socket that others connect to, at one address. It can cut all its connections at once: libzmq asks about a key only when a connection is made.
public final class Listener {
    public private(set) var socket: Socket
    public private(set) var handshakes: HandshakeWatch
    public let endpoint: Endpoint
    private let context: SocketContext
    private let make: () -> Socket
    private var faultsBefore: UInt64 = 0

    /// How long the system may take to give the address free, in seconds.
    private static let patience = 5.0

    /// - Parameter make: makes the socket, now and after every cut.
    public init(at endpoint: Endpoint, context: SocketContext, _ make: @escaping () -> Socket) throws {
        self.context = context
        self.make = make
        socket = make()
        handshakes = try HandshakeWatch(socket, context: context)
        self.endpoint = try socket.bind(endpoint)
    }

    /// Connections that did not come to be since the start.
    public var refusedHandshakes: UInt64 { faultsBefore + handshakes.faults }

    /// Takes note of what has become of handshakes. Where keys are demanded, only so many connections may wait with theirs.
    public func look(now: Time, door: KeyDoor?) {
        handshakes.look(now: now)
        if let door { handshakes.shed(now: now, door: door) }
    }

    /// Closes every connection and listens again at the same address. Everybody comes back by itself, and must prove its key anew.
    public func cut() throws {
        faultsBefore += handshakes.faults
        socket.abandon()
        socket = make()
        handshakes = try HandshakeWatch(socket, context: context)
        let deadline = Time.now + Self.patience
        while true {
            do {
                _ = try socket.bind(endpoint)
                return
            } catch {
                // The old listener is closed by another thread.
                guard Time.now < deadline else { throw error }
                usleep(1000)
            }
        }
    }
}
