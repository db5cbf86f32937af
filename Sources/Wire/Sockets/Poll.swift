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
