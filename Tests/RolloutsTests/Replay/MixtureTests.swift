import Rollouts
import Testing

@Suite struct MixtureTests {
    /// At any time each source has had its share to within one sequence, and every update has its size.
    @Test func sharesHoldAtAnyTime() throws {
        var dice = Dice(state: 3)
        for _ in 0..<200 {
            let shares = DataSource.allCases.map { ($0, Double.random(in: 0...1, using: &dice)) }
            var mixture = try Mixture(shares, batch: Int.random(in: 1...17, using: &dice))
            for update in 1...300 {
                let taken = mixture.next()
                #expect(taken.reduce(0) { $0 + $1.count } == mixture.batch && taken.allSatisfy { $0.count >= 0 })
                for (count, share) in zip(mixture.counts, mixture.shares) {
                    #expect(abs(Double(count) - share * Double(update * mixture.batch)) < 1 + 1e-9)
                }
            }
        }
    }

    @Test func simpleSharesAreExact() throws {
        var half = try Mixture([(.live, 0.5), (.replay, 0.5)], batch: 8)
        for _ in 0..<5 { #expect(half.next().map(\.count) == [4, 4]) }
        var none = try Mixture([(.live, 1), (.dataset, 0)], batch: 3)
        for _ in 0..<5 { #expect(none.next().map(\.count) == [3, 0]) }
        var quarter = try Mixture([(.live, 3), (.replay, 1)], batch: 2)
        #expect((0..<4).map { _ in quarter.next()[1].count }.reduce(0, +) == 2)
        // It goes on where another one stood.
        var again = try Mixture([(.live, 3), (.replay, 1)], batch: 2, counts: quarter.counts)
        #expect(again.next().map(\.count) == quarter.next().map(\.count))
    }

    @Test func badSharesAreRefused() {
        for shares in [[], [(.live, 0)], [(.live, -1), (.replay, 2)], [(.live, .nan)], [(.live, 1), (.live, 1)]] as [[(DataSource, Double)]] {
            #expect(throws: ReplayError.self) { try Mixture(shares, batch: 4) }
        }
        #expect(throws: ReplayError.self) { try Mixture([(.live, 1)], batch: 0) }
    }
}
