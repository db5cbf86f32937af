import CPlatform
import CZeroMQ
import Glibc
import Platform

/// A ZeroMQ context: the one object of libzmq that threads may share.
///
/// - Note: `@unchecked Sendable` is sound because libzmq documents contexts as thread-safe and `handle` never changes.
public final class SocketContext: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer

    /// - Parameter sockets: how many sockets it may have.
    public init(sockets: Int32 = 1023) {
        // Each connection is a descriptor, and the usual soft limit of 1024 is for programs that use select().
        apus_raise_descriptor_limit()
        handle = zmq_ctx_new()
        zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, sockets)
        zmq_ctx_set(handle, ZMQ_IO_THREADS, 1)
        // Blocky contexts wait for ever in termination for messages to peers that are gone.
        zmq_ctx_set(handle, ZMQ_BLOCKY, 0)
    }

    /// Waits until every socket of this context is closed and has lingered.
    deinit { while zmq_ctx_term(handle) != 0 && errno == EINTR {} }

    public static var libraryVersion: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}

/// What one can do with a socket that failed: where, why and what helps.
public struct SocketError: Remediable, Equatable {
    public let problem: String
    public let place: String
    public let remedy: String
}

public enum SocketKind: Sendable {
    case dealer, router, publisher, subscriber
    /// Answers libzmq's questions about keys.
    case reply
    /// One peer, on this host.
    case pair

    var code: Int32 {
        switch self {
        case .dealer: ZMQ_DEALER
        case .router: ZMQ_ROUTER
        case .publisher: ZMQ_XPUB
        case .subscriber: ZMQ_SUB
        case .pair: ZMQ_PAIR
        case .reply: ZMQ_REP
        }
    }
}

/// One frame of an outgoing message.
public enum OutgoingFrame: Sendable {
    case bytes([UInt8])
    /// Sent without a copy: the bytes live until ZeroMQ has passed them on.
    case shared(SharedBytes)
}

/// A ZeroMQ socket. It belongs to the one thread that made it.
public final class Socket {
    let handle: UnsafeMutableRawPointer
    private let context: SocketContext
    private let kind: SocketKind
    private var file: UnixSocketFile?
    private let isServer: Bool

    /// - Parameters:
    ///   - sendLimit: messages per peer that wait for a slow peer before more are dropped (publisher) or refused; 0: no limit.
    ///   - receiveLimit: messages per peer that wait to be read before no more are taken; 0: no limit. Sockets that beat have none.
    ///   - frameLimit: a peer that sends a larger frame is disconnected before any of it is read.
    ///   - linger: how long `close` still tries to deliver, in milliseconds.
    ///   - security: who must prove what to whom.
    public init(
        _ kind: SocketKind, in context: SocketContext, sendLimit: Int32 = 0, receiveLimit: Int32 = 0,
        frameLimit: Int64 = WireProtocol.maximumFrameBytes, linger: Int32 = 500, security: SocketSecurity = .none
    ) {
        guard let handle = zmq_socket(context.handle, kind.code) else {
            preconditionFailure("cannot make a socket: \(String(cString: zmq_strerror(zmq_errno())))")
        }
        self.handle = handle
        self.context = context
        self.kind = kind
        isServer = if case .server = security { true } else { false }
        set(ZMQ_LINGER, linger)
        set(ZMQ_SNDHWM, sendLimit)
        // libzmq 4.3.4 aborts the process when a heartbeat is due on a connection that has ended while its receive limit was reached.
        set(ZMQ_RCVHWM, kind == .subscriber || kind == .dealer ? 0 : receiveLimit)
        set(ZMQ_RECONNECT_IVL, 20)
        set(ZMQ_RECONNECT_IVL_MAX, 500)
        // A dead peer behind a cut network is noticed within seconds; the process of a pair is watched by who started it. Whoever binds leaves
        // that to the kernel and to the heartbeats of our own messages: libzmq looks through all its timers for each heartbeat that is answered,
        // which takes a third of a core with a thousand members.
        switch kind {
        case .dealer, .subscriber:
            // Each costs whoever binds, which has a thousand peers: no more often than it takes to notice within five seconds.
            set(ZMQ_HEARTBEAT_IVL, 2000)
            set(ZMQ_HEARTBEAT_TIMEOUT, 3000)
            // What a cut network swallows is tried again soon, not when the kernel would.
            set(ZMQ_CONNECT_TIMEOUT, 2000)
            set(ZMQ_HANDSHAKE_IVL, 5000)
        case .router, .publisher:
            set(ZMQ_TCP_KEEPALIVE, 1)
            set(ZMQ_TCP_KEEPALIVE_IDLE, 2)
            set(ZMQ_TCP_KEEPALIVE_INTVL, 1)
            set(ZMQ_TCP_KEEPALIVE_CNT, 3)
            set(ZMQ_TCP_MAXRT, 5000)
            // Connections that never get to the first message are closed, and many may wait for their turn meanwhile.
            set(ZMQ_HANDSHAKE_IVL, 3000)
            set(ZMQ_BACKLOG, 1024)
        case .pair, .reply: break
        }
        var limit = frameLimit
        zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &limit, MemoryLayout<Int64>.size)
        // A message is taken only when there is a connection to put it on: what is not connected is known at once, and the state machines
        // re-send. The price: what has arrived and was not yet read goes with the connection, so nothing may hang on a message after which
        // its sender leaves.
        if kind == .dealer { set(ZMQ_IMMEDIATE, 1) }
        // Who is not connected is told of, not passed over.
        if kind == .router { set(ZMQ_ROUTER_MANDATORY, 1) }
        // Every new subscriber is reported, so that it can be sent the last value.
        if kind == .publisher { set(ZMQ_XPUB_VERBOSE, 1) }
        apply(security)
    }

    deinit {
        zmq_close(handle)
        file?.remove()
    }

    /// Readable whenever something may have happened to the socket.
    var descriptor: Int32 {
        var (descriptor, size) = (Int32(-1), MemoryLayout<Int32>.size)
        zmq_getsockopt(handle, ZMQ_FD, &descriptor, &size)
        return descriptor
    }

    /// What has not been delivered when the socket is closed is thrown away.
    func abandon() { set(ZMQ_LINGER, 0) }

    func set(_ option: Int32, _ text: String) { zmq_setsockopt(handle, option, text, text.utf8.count) }

    func set(_ option: Int32, _ value: Int32) {
        var value = value
        zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size)
    }

    /// Binds to `endpoint` and returns the address as bound (a wildcard port resolved).
    ///
    /// - Throws: when the address is taken or not this host's.
    public func bind(_ endpoint: Endpoint) throws(SocketError) -> Endpoint {
        // ZeroMQ would take a unix socket away from a program that listens there, without a word to either.
        let isTaken = if case .ipc(let path) = endpoint.transport { UnixSocketFile.isServed(path) } else { false }
        guard !isTaken, zmq_bind(handle, endpoint.description) == 0 else {
            let code = isTaken ? EADDRINUSE : zmq_errno()
            let why = String(cString: zmq_strerror(code))
            let remedy =
                switch code {
                case EADDRINUSE: "Another program listens there: stop it, or choose another port (\"*\" takes any free one)."
                case EADDRNOTAVAIL, ENODEV: "Bind to an address of this host, for example tcp://127.0.0.1:7700."
                case EACCES: "Choose a port above 1023 or a folder that you may write to."
                default: "Write tcp://HOST:PORT with an address of this host, or ipc://PATH in an existing folder."
                }
            throw SocketError(problem: "cannot listen on \(endpoint): \(why)", place: "bind", remedy: remedy)
        }
        if case .ipc(let path) = endpoint.transport { file = UnixSocketFile(path) }
        var text = [CChar](repeating: 0, count: 256)
        var length = text.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &length) == 0,
            let bound = try? Endpoint(String(decoding: text.prefix(max(length - 1, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self))
        else { return endpoint }
        return bound
    }

    public func connect(_ endpoint: Endpoint) throws(SocketError) {
        guard zmq_connect(handle, endpoint.description) == 0 else {
            throw SocketError(
                problem: "cannot connect to \(endpoint): \(String(cString: zmq_strerror(zmq_errno())))", place: "connect",
                remedy: "Write the address that the other program printed, for example tcp://127.0.0.1:7700.")
        }
    }

    /// Tries again where libzmq has given up. It takes a second `connect` to the same address for none.
    func connectAgain(_ endpoint: Endpoint) {
        zmq_disconnect(handle, endpoint.description)
        zmq_connect(handle, endpoint.description)
    }

    /// Subscribes to `topic`, or drops and renews the subscription, upon which the publisher sends its last value again.
    public func subscribe(_ topic: [UInt8]) {
        zmq_setsockopt(handle, ZMQ_UNSUBSCRIBE, topic, topic.count)
        zmq_setsockopt(handle, ZMQ_SUBSCRIBE, topic, topic.count)
    }

    /// Hands a message over without waiting; false when the peer is unknown or its limit is reached.
    @discardableResult
    public func send(_ frames: [OutgoingFrame]) -> Bool {
        var whole = true
        for (index, frame) in frames.enumerated() {
            let flags = ZMQ_DONTWAIT | (index + 1 < frames.count ? ZMQ_SNDMORE : 0)
            whole = send(frame, flags) && whole
            // Without a peer nothing has begun. When the peer vanishes in the midst of a message, ZeroMQ throws away all up to the
            // message's end:
            // the other frames must be handed over, or the next message would be taken for them.
            if !whole, index == 0 { return false }
        }
        return whole
    }

    /// Below this, a copy is cheaper than the bookkeeping of a shared frame.
    private static let copyBelow = 1024

    private func send(_ frame: OutgoingFrame, _ flags: Int32) -> Bool {
        switch frame {
        case .bytes(let bytes):
            return bytes.withUnsafeBytes { transmit($0.baseAddress, $0.count, flags) }
        case .shared(let shared) where shared.count < Self.copyBelow:
            return transmit(shared.pointer, shared.count, flags)
        case .shared(let shared):
            var message = zmq_msg_t()
            zmq_msg_init_data(
                &message, UnsafeMutableRawPointer(mutating: shared.pointer), shared.count,
                { _, hint in Unmanaged<SharedBytes>.fromOpaque(hint!).release() }, Unmanaged.passRetained(shared).toOpaque())
            return transmit(&message, flags)
        }
    }

    private func transmit(_ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Bool {
        while zmq_send(handle, bytes, count, flags) < 0 { guard zmq_errno() == EINTR else { return false } }
        return true
    }

    private func transmit(_ message: inout zmq_msg_t, _ flags: Int32) -> Bool {
        while zmq_msg_send(&message, handle, flags) < 0 {
            guard zmq_errno() == EINTR else {
                zmq_msg_close(&message)
                return false
            }
        }
        return true
    }

    /// No message of the contract has more frames, routing identity included.
    private static let maximumFrames = 32

    /// The key of whoever sent the message that was received last, if it proved one.
    public private(set) var sender: PublicKey?

    /// The next message that has arrived, or nil. Frames beyond the contract's largest message are thrown away as they come.
    public func receive() -> [SharedBytes]? {
        sender = nil
        guard let first = receiveFrame() else { return nil }
        var frames = [first.bytes]
        var more = first.more
        while more, let next = receiveFrame() {
            if frames.count <= Self.maximumFrames { frames.append(next.bytes) }
            more = next.more
        }
        return frames
    }

    private func receiveFrame() -> (bytes: SharedBytes, more: Bool)? {
        let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
        zmq_msg_init(message)
        while zmq_msg_recv(message, handle, ZMQ_DONTWAIT) < 0 {
            guard zmq_errno() == EINTR else {
                zmq_msg_close(message)
                message.deallocate()
                return nil
            }
        }
        let more = zmq_msg_more(message) != 0
        // libzmq 4.3.4 does not always tell it of the routing id's frame, but of all that follow.
        if isServer, sender == nil { sender = zmq_msg_gets(message, "User-Id").flatMap { PublicKey(String(cString: $0)) } }
        // Small messages lie inside `message` itself, so it stays where it is until the bytes are released.
        let owner = UInt(bitPattern: message)
        let bytes = SharedBytes(UnsafeRawPointer(zmq_msg_data(message)), count: zmq_msg_size(message)) { _ in
            let message = UnsafeMutablePointer<zmq_msg_t>(bitPattern: owner)!
            zmq_msg_close(message)
            message.deallocate()
        }
        return (bytes, more)
    }
}
