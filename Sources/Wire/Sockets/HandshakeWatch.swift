import CZeroMQ
import Platform

/// Why a connection was made and not opened.
public enum HandshakeFault: Sendable, Equatable {
    /// The other side does not let this key in.
    case keyNotAllowed
    /// One side demands keys and the other has none.
    case mechanism
    /// The other side hung up in the middle: it cannot read what was encrypted for another key, or is no ZeroMQ at all.
    case hungUp
}

/// Tells of a socket's connections whether they come to be, by libzmq's own events. Belongs to the socket's thread.
public final class HandshakeWatch {
    public let events: Socket
    private let watched: Socket
    /// Connections that did not come to be since the start.
    public private(set) var faults: UInt64 = 0
    /// Those of them that the two sides have talked about: libzmq does not try again.
    public private(set) var refusals: UInt64 = 0
    /// The last one, and since when there has been nothing but faults; nil when the last handshake succeeded or none was tried.
    public private(set) var standing: (fault: HandshakeFault, since: Time)?
    /// Connections that are made and neither open nor closed, and those that are open.
    public private(set) var connections = 0

    private static let mask =
        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED

    /// Call before the socket connects or binds.
    public init(_ socket: Socket, context: SocketContext) throws {
        watched = socket
        events = Socket(.pair, in: context, linger: 0)
        let name = "inproc://monitor-\(UInt(bitPattern: socket.handle))-\(UInt64.random(in: 0 ... .max))"
        guard zmq_socket_monitor(socket.handle, name, Self.mask) == 0 else {
            throw SocketError(problem: "cannot watch a socket: \(String(cString: zmq_strerror(zmq_errno())))", place: "monitor", remedy: "Free some memory and descriptors.")
        }
        try events.connect(Endpoint(name))
    }

    /// Before `events` is closed: an event that nobody can take any more would stop libzmq's own thread, and with it every connection of this
    /// process.
    deinit { zmq_socket_monitor(watched.handle, nil, 0) }

    public func look(now: Time) {
        while let frames = events.receive() {
            // The event's number (16 bits) and its value (32 bits).
            guard let frame = frames.first, frame.count >= 6 else { continue }
            let event = Int32(frame.withBytes { $0.loadUnaligned(as: UInt16.self) })
            switch event {
            case ZMQ_EVENT_ACCEPTED: connections += 1
            case ZMQ_EVENT_DISCONNECTED: connections -= 1
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: standing = nil
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: note(.keyNotAllowed, now)
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: note(.mechanism, now)
            default: note(.hungUp, now)
            }
        }
    }

    private func note(_ fault: HandshakeFault, _ now: Time) {
        faults += 1
        if fault != .hungUp { refusals += 1 }
        // What was said outright tells more than a connection that is lost after it.
        let told = fault == .hungUp ? standing?.fault ?? fault : fault
        standing = (told, standing?.since ?? now)
    }
}
