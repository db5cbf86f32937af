import DequeModule
import Platform

/// Connections that were accepted a moment ago, and may not have proved anything yet: only so many may wait. A pure state machine.
///
/// Whoever opens connections and says nothing would otherwise take every descriptor of this process, for three seconds each.
package struct HandshakeQueue: Sendable {
    package struct Entry: Sendable, Equatable {
        package var descriptor: Int32
        /// The kernel's number of this connection: descriptors are used again.
        var cookie: UInt64
        var address: String
        var since: Time

        package init(descriptor: Int32, cookie: UInt64, address: String, since: Time) {
            (self.descriptor, self.cookie, self.address, self.since) = (descriptor, cookie, address, since)
        }
    }

    /// So many may wait.
    package static let limit = 512
    /// Whoever is older has finished its handshake, or libzmq has hung up, in seconds.
    static let patience = 3.5

    private var waiting = Deque<Entry>()
    /// When handshakes succeeded: libzmq does not say whose.
    private var successes = Deque<Time>()

    package init() {}

    package mutating func accepted(_ entry: Entry) {
        forget(now: entry.since)
        waiting.append(entry)
    }

    package mutating func closed(_ descriptor: Int32) {
        if let index = waiting.lastIndex(where: { $0.descriptor == descriptor }) { waiting.remove(at: index) }
    }

    package mutating func succeeded(now: Time) { successes.append(now) }

    /// Takes out the connections that are too many, the oldest first.
    ///
    /// - Parameter isSpared: whether a key was proved from this address: such a connection stays.
    package mutating func excess(now: Time, isSpared: (String) -> Bool) -> [Entry] {
        forget(now: now)
        let tooMany = waiting.count - successes.count - Self.limit
        guard tooMany > 0 else { return [] }
        var excess: [Entry] = []
        waiting.removeAll { entry in
            guard excess.count < tooMany, !isSpared(entry.address) else { return false }
            excess.append(entry)
            return true
        }
        return excess
    }

    private mutating func forget(now: Time) {
        while let first = waiting.first, now - first.since > Self.patience { waiting.removeFirst() }
        while let first = successes.first, now - first > Self.patience { successes.removeFirst() }
    }
}
