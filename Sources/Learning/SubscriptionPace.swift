import Platform
import Wire

/// What subscribers may ask of the publisher: the topics that there are, and not too many of them. Each takes memory until its connection ends.
struct SubscriptionPace {
    private var budget = MessageBudget(perSecond: 100, burst: 8192)
    private var strange = 0
    private var lastCut: Time?

    /// So many subscriptions to what is not published, or beyond the budget, are taken for an attack.
    static let strangeLimit = 64
    /// Whoever is cut off comes back: not more often than this, in seconds.
    static let cutInterval = 10.0

    /// - Parameter sender: the key of who subscribes; hosts of one key share a budget.
    mutating func came(from sender: PublicKey?, isKnown: Bool, now: Time) {
        let isWithin = budget.spend(Array((sender?.z85 ?? "").utf8), now: now) == .granted
        if !isKnown || !isWithin { strange += 1 }
    }

    mutating func mustBeCut(now: Time) -> Bool {
        guard strange >= Self.strangeLimit, lastCut.map({ now - $0 >= Self.cutInterval }) ?? true else { return false }
        (strange, lastCut) = (0, now)
        return true
    }
}
