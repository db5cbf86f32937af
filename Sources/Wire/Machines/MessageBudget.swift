import Platform

/// How many messages each peer may send: so many a second for long, and more for a moment. A pure state machine.
///
/// What is beyond the budget is thrown away unread, so that a flood costs its receiver a look at each message and no more.
public struct MessageBudget: Sendable {
    public typealias Peer = [UInt8]

    public enum Verdict: Sendable, Equatable {
        case granted
        /// - Parameter isFirst: the peer was not told within the last seconds.
        case exceeded(isFirst: Bool)
    }

    private struct Account: Sendable {
        var left: Double
        var last: Time
        var told: Time?
    }

    private let perSecond: Double
    private let burst: Double
    private var accounts: [Peer: Account] = [:]

    /// Messages that were thrown away.
    public private(set) var dropped: UInt64 = 0

    /// How often a peer that goes on is told, in seconds.
    static let tellInterval = 10.0
    /// So many peers are remembered. Routing ids cost an attacker nothing.
    static let accountLimit = 16_384

    public init(perSecond: Double, burst: Double) {
        self.perSecond = perSecond
        self.burst = burst
    }

    /// Takes a message of `peer` into account.
    public mutating func spend(_ peer: Peer, now: Time) -> Verdict {
        var account = accounts[peer] ?? newAccount(now)
        account.left = min(burst, account.left + (now - account.last) * perSecond)
        account.last = now
        defer { accounts[peer] = account }
        guard account.left < 1 else {
            account.left -= 1
            return .granted
        }
        dropped += 1
        let isFirst = account.told.map { now - $0 >= Self.tellInterval } ?? true
        if isFirst { account.told = now }
        return .exceeded(isFirst: isFirst)
    }

    /// Gives a message back: it was one that is paid for otherwise.
    public mutating func refund(_ peer: Peer) { accounts[peer]?.left += 1 }

    private mutating func newAccount(_ now: Time) -> Account {
        if accounts.count >= Self.accountLimit {
            // Whoever has been silent long enough has its whole budget again, with an account or without.
            accounts = accounts.filter { now - $0.value.last < burst / perSecond }
            if accounts.count >= Self.accountLimit { accounts = [:] }
        }
        return Account(left: burst, last: now)
    }
}

extension Refusal {
    static let anotherKey = Refusal(
        .forbidden, problem: "this place belongs to a process with another key", remedy: "Start this process again; it will get a place of its own.")
    public static let tooManyMessages = Refusal(
        .overload, problem: "this connection sends more messages than one may", remedy: "Send heartbeats and questions a few times a second.")
}
