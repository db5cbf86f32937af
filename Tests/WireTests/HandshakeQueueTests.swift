import Platform
import Testing
import Wire

/// Who is hung up on when too many connections wait with their handshake.
@Suite struct HandshakeQueueTests {
    private let now = Time.seconds(100)

    private func entry(_ number: Int, address: String = "stranger", after seconds: Double = 0) -> HandshakeQueue.Entry {
        HandshakeQueue.Entry(descriptor: Int32(number), cookie: UInt64(number), address: address, since: now + seconds)
    }

    private func excess(_ queue: inout HandshakeQueue, after seconds: Double = 0) -> [Int32] {
        queue.excess(now: now + seconds) { $0 == "member" }.map(\.descriptor)
    }

    @Test func theOldestStrangersGo() {
        var queue = HandshakeQueue()
        queue.accepted(entry(0, address: "member"))
        for number in 1..<HandshakeQueue.limit { queue.accepted(entry(number)) }
        #expect(excess(&queue) == [])
        for number in 1000..<1003 { queue.accepted(entry(number)) }
        #expect(excess(&queue) == [1, 2, 3], "the member was there before them, and stays")
        #expect(excess(&queue) == [], "nobody is told twice")
    }

    /// Whoever has come in, gone, or grown old waits no more.
    @Test func whoDoesNotWaitDoesNotCount() {
        var queue = HandshakeQueue()
        for number in 0..<HandshakeQueue.limit + 3 { queue.accepted(entry(number)) }
        queue.closed(5)
        queue.succeeded(now: now + 1)
        #expect(excess(&queue, after: 1) == [0])
        queue.accepted(entry(2000, after: 5))
        #expect(excess(&queue, after: 5) == [])
        for number in 3000..<3000 + HandshakeQueue.limit { queue.accepted(entry(number, after: 5)) }
        #expect(excess(&queue, after: 5) == [2000], "a success of before says nothing of those who wait now")
    }
}
