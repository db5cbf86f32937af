/// How a thread spends its time: doing its work, or waiting for something that has a name.
///
/// Every role reports these shares all the time, so that "where does the time go" has an answer without a profiler.
public struct ShareMeter: Sendable {
    /// What the thread is doing; anything but `busy` is a wait for the resource of that name.
    public static let busy = "busy"

    private var seconds: [String: Double] = [:]
    private var current: String
    private var since: Time
    /// When what is going on began: a wait goes on however often it is entered, and whoever begins to work again has begun something new.
    private var began: Time

    public init(_ state: String, now: Time) {
        current = state
        since = now
        began = now
    }

    /// The state from `now` on.
    public mutating func enter(_ state: String, now: Time) {
        seconds[current, default: 0] += now - since
        if state != current || state == Self.busy { began = now }
        (current, since) = (state, now)
    }

    /// What is going on, and for how long already: 0 where another thread has entered it since `now` was read.
    public func state(now: Time) -> (name: String, seconds: Double) { (current, max(now - began, 0)) }

    /// Shares of the time since the last call, which sum to 1; `busy` always among them.
    public mutating func take(now: Time) -> [(name: String, share: Double)] {
        seconds[current, default: 0] += now - since
        since = now
        let total = seconds.values.reduce(0, +)
        defer { seconds.removeAll(keepingCapacity: true) }
        guard total > 0 else { return [] }
        if seconds[Self.busy] == nil { seconds[Self.busy] = 0 }
        return seconds.sorted { $0.key < $1.key }.map { ($0.key, $0.value / total) }
    }
}
