import Platform
import Testing

@Suite struct ShareMeterTests {
    @Test func sharesSumToOne() {
        var meter = ShareMeter("credit", now: .seconds(0))
        meter.enter(ShareMeter.busy, now: .seconds(3))
        meter.enter("credit", now: .seconds(4))
        #expect(meter.take(now: .seconds(5)).map(\.name) == ["busy", "credit"])
        #expect(meter.take(now: .seconds(6)).map(\.share) == [0, 1])
    }

    /// A wait that is looked at again and again is one wait; every update is a new one.
    @Test func whenItBegan() {
        var meter = ShareMeter("rollouts", now: .seconds(0))
        for time in 1...8 { meter.enter("rollouts", now: .seconds(Double(time))) }
        _ = meter.take(now: .seconds(8))
        #expect(meter.state(now: .seconds(9)).name == "rollouts" && meter.state(now: .seconds(9)).seconds == 9)
        meter.enter(ShareMeter.busy, now: .seconds(10))
        meter.enter(ShareMeter.busy, now: .seconds(12))
        _ = meter.take(now: .seconds(12.5))
        #expect(meter.state(now: .seconds(13)).seconds == 1)
        meter.enter("actors", now: .seconds(14))
        #expect(meter.state(now: .seconds(14)).seconds == 0)
    }
}
