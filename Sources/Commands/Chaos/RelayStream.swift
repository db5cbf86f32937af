import DequeModule
import Glibc
import Platform

/// One direction of a connection: bytes that were read from one side and are due at the other.
struct RelayStream {
    private var chunks = Deque<(due: Time, bytes: [UInt8])>()
    /// Of the first chunk, the bytes that are through.
    private var sent = 0
    private var size = 0
    /// Bytes that may pass now, where there is a limit.
    private var allowance = 0.0
    private var lastAllowance: Time?

    /// Like the buffers of a network, it takes only so much.
    private static let capacity = 4 << 20

    var isEmpty: Bool { chunks.isEmpty }
    var takesMore: Bool { size < Self.capacity }

    /// When there is something to write; nil when there is nothing at all.
    var due: Time? { chunks.first?.due }

    /// Reads what has come. Returns false at the end.
    mutating func read(from descriptor: Int32, due: Time) -> Bool {
        let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 17) { buffer, count in
            count = max(Glibc.recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)), -1)
            if count < 0 {
                count = 0
                failed = errno != EAGAIN && errno != EINTR
            } else {
                failed = count == 0
            }
        }
        if !bytes.isEmpty {
            chunks.append((due, bytes))
            size += bytes.count
        }
        return !failed
    }

    private var failed = false

    /// Writes what is due, as far as the other side and the limit take it. Returns false when the other side is gone.
    mutating func write(to descriptor: Int32, now: Time, bytesPerSecond: Int?) -> Bool {
        if let bytesPerSecond {
            // No more than a tenth of a second's worth at once.
            allowance = min(allowance + (now - (lastAllowance ?? now)) * Double(bytesPerSecond), max(Double(bytesPerSecond) / 10, 1))
        }
        lastAllowance = now
        while let first = chunks.first, first.due <= now {
            var count = first.bytes.count - sent
            if bytesPerSecond != nil { count = min(count, Int(allowance)) }
            guard count > 0 else { return true }
            let written = first.bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
            }
            guard written >= 0 else { return errno == EAGAIN || errno == EINTR }
            allowance -= Double(written)
            sent += written
            size -= written
            if sent == first.bytes.count {
                chunks.removeFirst()
                sent = 0
            }
        }
        return true
    }
}
