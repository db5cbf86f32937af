import Platform
import Testing
import Wire

@Suite struct WeightsSubscriptionTests {
    private func header(_ version: UInt64, life: UInt32 = 1) -> WeightsHeader {
        WeightsHeader(run: 7, life: life, version: version, parameters: 10, layout: 3)
    }

    @Test func takesTheNewestOfTheLatestLife() throws {
        var subscription = WeightsSubscription(run: 7, parameters: 10, layout: 3)
        for (version, life, expected) in [
            (5, 1, true), (5, 1, false), (4, 1, false), (6, 1, true), (2, 2, true), (7, 1, false), (2, 2, false), (3, 2, true),
        ] as [(UInt64, UInt32, Bool)] {
            #expect(try subscription.accept(header(version, life: life)) == expected, "\(version) of life \(life)")
        }
        #expect(subscription.held == 3)
    }

    @Test func takesVersionZero() throws {
        var subscription = WeightsSubscription(run: 7, parameters: 10, layout: 3)
        #expect(try subscription.accept(header(0)) == true)
        #expect(try subscription.accept(header(0)) == false)
        #expect(subscription.held == 0)
    }

    @Test func refusesWhatDoesNotFit() {
        var subscription = WeightsSubscription(run: 7, parameters: 10, layout: 3)
        func code(_ header: WeightsHeader) -> RefusalCode? {
            do {
                _ = try subscription.accept(header)
                return nil
            } catch { return error.code }
        }
        var other = header(1)
        other.protocol = 1
        #expect(code(other) == .protocol)
        #expect(code(WeightsHeader(run: 8, life: 1, version: 1, parameters: 10, layout: 3)) == .wrongRun)
        #expect(code(WeightsHeader(run: 7, life: 1, version: 1, parameters: 11, layout: 3)) == .malformed)
        #expect(code(WeightsHeader(run: 7, life: 1, version: 1, parameters: 10, layout: 4)) == .malformed)
        #expect(subscription.held == nil)
    }

    @Test func renewsWhenWhatIsNeededDoesNotCome() throws {
        var subscription = WeightsSubscription(run: 7, parameters: 10, layout: 3)
        let start = Time.seconds(1)
        _ = try subscription.accept(header(1))
        #expect(subscription.needs(1, now: start) == false)
        #expect(subscription.needs(2, now: start) == false)
        #expect(subscription.needs(3, now: start + 0.2) == false)
        #expect(subscription.needs(4, now: start + 0.3) == true)
        #expect(subscription.needs(4, now: start + 0.4) == false)
        #expect(subscription.needs(4, now: start + 0.6) == true)
        _ = try subscription.accept(header(4))
        #expect(subscription.needs(4, now: start + 2) == false)
        #expect(subscription.needs(5, now: start + 3) == false)
        #expect(subscription.needs(nil, now: start + 4) == false, "without a ticket nothing is needed")
        #expect(subscription.needs(5, now: start + 5) == false, "patience begins anew")
    }
}
