import CPlatform
import CZeroMQ
import Glibc

/// What a socket thread waits for: messages on its sockets, and wake-ups and signals as descriptors.
///
/// Sockets may be replaced between two waits; the set is rebuilt each time, which costs nothing beside the system call.
public enum Poll {
    /// Waits until something is ready or `milliseconds` have passed. Which one it is, the caller finds out by receiving without waiting.
    ///
    /// - Returns: false when the time ran out first.
    @discardableResult
    public static func wait(sockets: [Socket], descriptors: [Int32], milliseconds: Int) -> Bool {
        withUnsafeTemporaryAllocation(of: zmq_pollitem_t.self, capacity: sockets.count + descriptors.count) { items in
            for (index, socket) in sockets.enumerated() {
                items.initializeElement(at: index, to: zmq_pollitem_t(socket: socket.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0))
            }
            for (index, descriptor) in descriptors.enumerated() {
                items.initializeElement(
                    at: sockets.count + index, to: zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
            }
            return zmq_poll(items.baseAddress, Int32(items.count), milliseconds) > 0
        }
    }
}

/// What a thread with hundreds of sockets waits for: looking at each of them at every wait would cost more than their messages.
public final class SocketSet {
    private let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    private var events = [epoll_event](repeating: epoll_event(), count: 256)

    public init() {}

    deinit { close(epoll) }

    /// Until the socket is closed, `wait` tells of it by this tag.
    public func add(_ socket: Socket, tag: Int) {
        var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: UInt64(tag)))
        epoll_ctl(epoll, EPOLL_CTL_ADD, socket.descriptor, &event)
    }

    /// Waits until something may have happened on one of the sockets, or `milliseconds` have passed.
    ///
    /// - Returns: the tags of those. Receive and send on them until nothing happens any more: what is left is not told of again.
    public func wait(milliseconds: Int32) -> [Int] {
        let count = epoll_wait(epoll, &events, Int32(events.count), milliseconds)
        return events.prefix(Int(max(count, 0))).map { Int($0.data.u64) }
    }
}
