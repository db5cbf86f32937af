import Platform
import Testing
import Wire

@Suite struct MessageBudgetTests {
    private let peer: [UInt8] = [1]

    @Test func aBurstAndThenTheRate() {
        var budget = MessageBudget(perSecond: 10, burst: 5)
        for _ in 0..<5 { #expect(budget.spend(peer, now: .zero) == .granted) }
        #expect(budget.spend(peer, now: .zero) == .exceeded(isFirst: true))
        #expect(budget.spend(peer, now: .zero) == .exceeded(isFirst: false))
        #expect(budget.spend([2], now: .zero) == .granted, "others have their own")
        #expect(budget.spend(peer, now: .seconds(0.11)) == .granted)
        #expect(budget.spend(peer, now: .seconds(0.12)) == .exceeded(isFirst: false))
        #expect(budget.dropped == 3)
        for second in 1...1000 { #expect(budget.spend(peer, now: .seconds(Double(second))) == .granted) }
    }

    @Test func whoGoesOnIsToldNowAndThen() {
        var budget = MessageBudget(perSecond: 1, burst: 1)
        var told = 0
        for millisecond in 0..<30_000 where budget.spend(peer, now: .seconds(Double(millisecond) / 1000)) == .exceeded(isFirst: true) { told += 1 }
        #expect(told == 3)
    }

    @Test func aMessagePaidForOtherwiseIsFree() {
        var budget = MessageBudget(perSecond: 1, burst: 2)
        for _ in 0..<100 {
            #expect(budget.spend(peer, now: .zero) == .granted)
            budget.refund(peer)
        }
    }

    /// Peers cost an attacker nothing: what is remembered of them stays bounded, and those who speak keep their budget.
    @Test func manyPeers() {
        var budget = MessageBudget(perSecond: 100, burst: 100)
        for index in 0..<100_000 {
            let bytes = withUnsafeBytes(of: UInt64(index)) { [UInt8]($0) }
            #expect(budget.spend(bytes, now: .seconds(Double(index) * 0.001)) == .granted)
        }
    }
}
