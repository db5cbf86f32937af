import CZeroMQ
import Glibc
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
    private var queue = HandshakeQueue()

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
            let value = frame.withBytes { $0.loadUnaligned(fromByteOffset: 2, as: Int32.self) }
            switch event {
            case ZMQ_EVENT_ACCEPTED:
                connections += 1
                if let cookie = Self.cookie(value) {
                    queue.accepted(.init(descriptor: value, cookie: cookie, address: Self.address(value), since: now))
                }
            case ZMQ_EVENT_DISCONNECTED:
                connections -= 1
                queue.closed(value)
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
                queue.succeeded(now: now)
                standing = nil
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: note(.keyNotAllowed, now)
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: note(.mechanism, now)
            default: note(.hungUp, now)
            }
        }
    }

    /// Hangs up on connections that wait with their handshake when there are too many of them.
    ///
    /// libzmq has no way to close one connection; the kernel does. A descriptor may stand for another connection by now, which its number tells.
    func shed(now: Time, door: KeyDoor) {
        for entry in queue.excess(now: now, isSpared: door.isKnown) where Self.cookie(entry.descriptor) == entry.cookie {
            shutdown(entry.descriptor, Int32(SHUT_RDWR))
        }
    }

    /// What the kernel calls a socket as long as this host runs; nil: it is none any more.
    private static func cookie(_ descriptor: Int32) -> UInt64? {
        var (cookie, size) = (UInt64(0), socklen_t(8))
        return getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : nil
    }

    /// The other side's, as libzmq writes it.
    private static func address(_ descriptor: Int32) -> String {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: 256)
        let failed = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getpeername(descriptor, $0, &size) != 0 || getnameinfo($0, size, &host, 256, nil, 0, NI_NUMERICHOST) != 0
            }
        }
        return failed ? "" : String(writtenBy: host)
    }

    private func note(_ fault: HandshakeFault, _ now: Time) {
        faults += 1
        if fault != .hungUp { refusals += 1 }
        // What was said outright tells more than a connection that is lost after it.
        let told = fault == .hungUp ? standing?.fault ?? fault : fault
        standing = (told, standing?.since ?? now)
    }
}
