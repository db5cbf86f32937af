import Synchronization

/// Tells another thread whether a step is going on, and how many are done, for the price of two stores: clocks and locks would cost as much as
/// a fast environment's step.
public final class StepClock: Sendable {
    /// Twice the steps; odd while one is going on.
    private let count = Atomic<UInt64>(0)

    public init() {}

    /// Called by the one thread that steps.
    @inline(__always) public func begin() { count.store(count.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
    @inline(__always) public func end() { count.store(count.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }

    fileprivate var value: UInt64 { count.load(ordering: .relaxed) }
}

/// Looks at a `StepClock` now and then, and so knows for how long a step has been going on.
public struct StepObserver: Sendable {
    private let clock: StepClock
    private var seen: UInt64 = 0
    private var since = Time.zero
    private var rate: (steps: UInt64, time: Time)?
    /// The mean duration of a step as long as steps were made, in seconds; nil before.
    public private(set) var typical: Double?

    public init(_ clock: StepClock) { self.clock = clock }

    /// The number of the step that is going on, and since when at the latest; nil between steps.
    public mutating func look(now: Time) -> (step: UInt64, since: Time)? {
        let value = clock.value
        if value != seen || since == .zero {
            if let rate, value / 2 > rate.steps { typical = (now - rate.time) / Double(value / 2 - rate.steps) }
            rate = (value / 2, now)
            (seen, since) = (value, now)
        }
        return value % 2 == 1 ? (value / 2, since) : nil
    }
}
