import Platform

/// How often the last weights are sent again for those who have come. Publishing reaches every subscriber: many who come together get it once.
struct SubscriptionPace {
    private var waiting = false
    private var last: Time?
    private var strange = 0
    private var lastCut: Time?

    /// Seconds between two times.
    static let interval = 0.05
    /// So many subscriptions to what is not published are taken for an attack.
    static let strangeLimit = 64
    /// Whoever is cut off comes back: not more often than this, in seconds.
    static let cutInterval = 10.0

    mutating func came() { waiting = true }
    mutating func wasStrange() { strange += 1 }

    mutating func isDue(now: Time) -> Bool {
        guard waiting, last.map({ now - $0 >= Self.interval }) ?? true else { return false }
        (waiting, last) = (false, now)
        return true
    }

    mutating func mustBeCut(now: Time) -> Bool {
        guard strange >= Self.strangeLimit, lastCut.map({ now - $0 >= Self.cutInterval }) ?? true else { return false }
        (strange, lastCut) = (0, now)
        return true
    }
}
