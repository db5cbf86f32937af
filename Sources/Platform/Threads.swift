import CPlatform
import Glibc

/// A named operating-system thread. The three roles run on a few of these rather than on a shared pool: one owns the sockets, one does the work.
public struct WorkThread: Sendable {
    private let handle: UInt

    public init(_ name: String, stackMegabytes: Int = 2, _ body: @escaping @Sendable () -> Void) {
        final class Start: Sendable {
            let name: String
            let body: @Sendable () -> Void
            init(_ name: String, _ body: @escaping @Sendable () -> Void) { (self.name, self.body) = (name, body) }
        }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackMegabytes << 20)
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                apus_name_thread(start.name)
                start.body()
                return nil
            }, Unmanaged.passRetained(Start(name, body)).toOpaque())
        precondition(status == 0, "cannot start the thread \(name): \(String(cString: strerror(status)))")
        handle = UInt(thread)
    }

    /// Waits until the thread's body has returned. Call it once.
    public func join() { pthread_join(pthread_t(handle), nil) }
}

/// A value that several threads read and write under a lock, with waiting for a condition.
///
/// - Note: `@unchecked Sendable`: every access to `value` holds `mutex`; the pthread objects have stable addresses and live as long as this object.
public final class Guarded<Value>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value

    public init(_ value: sending Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs `body` on the value and wakes every waiter.
    public func update<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
        return try body(&value)
    }

    /// Runs `body` on the value; wakes nobody, so it must not change what others wait for.
    public func read<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }

    /// Waits until `body` returns a value, or until `deadline`; nil when the deadline came first.
    public func wait<Result>(until deadline: Time, _ body: (inout Value) -> Result?) -> Result? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&value) { return result }
            var limit = timespec(
                tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
            if pthread_cond_timedwait(condition, mutex, &limit) == ETIMEDOUT { return body(&value) }
        }
    }
}

/// A wake-up that can stand in a poll set: how a work thread calls the thread that owns the sockets.
public final class WakeUp: Sendable {
    public let descriptor: Int32
    public init() {
        descriptor = apus_eventfd()
        precondition(descriptor >= 0, "cannot make an event descriptor: \(String(cString: strerror(errno)))")
    }
    deinit { close(descriptor) }
    public func signal() { apus_eventfd_signal(descriptor) }
    public func drain() { apus_eventfd_drain(descriptor) }
}
