import Platform
import Testing
import Wire

/// A member's machine by itself.
@Suite struct MembershipClientTests {
    private let start = Time.seconds(100)

    /// An actor, or a learner, that took part until `start`.
    private func member(_ role: Role = .actor) -> MembershipClient {
        var client = MembershipClient(hello: Hello(role: role, token: 1, host: "h", pid: 1))
        _ = client.received(
            .welcome(
                Welcome(
                    run: 7, runName: "demo", place: MemberPlace(rank: 0, incarnation: 0), heartbeatSeconds: 0.5, runFile: "", actor: nil)), now: start)
        return client
    }

    /// Lets time pass; when, if ever, it gave up, in seconds.
    private func givesUp(_ client: inout MembershipClient, within seconds: Double, learnerSilence: (Double) -> Double?) -> Double? {
        var passed = 0.0
        while passed < seconds {
            passed += 0.25
            let gauges = learnerSilence(passed).map { [Gauge("learner_silent_seconds", $0)] } ?? []
            let actions = client.tick(now: start + passed) { Heartbeat(token: 0, gauges: gauges) }
            if let refusal = actions.compactMap({ if case .refused(let refusal) = $0 { refusal } else { nil } }).first {
                #expect(refusal.problem.contains("nobody of the run demo has been heard for 10 minutes"))
                return passed
            }
        }
        return nil
    }

    @Test func anActorThatHearsNobodyGivesUp() throws {
        var client = member()
        let seconds = try #require(givesUp(&client, within: 1000) { $0 })
        #expect((600...605).contains(seconds))
    }

    /// The coordinator is off the data path: without it, acting and learning go on.
    @Test func anActorThatHearsTheLearnerGoesOn() {
        var client = member()
        #expect(givesUp(&client, within: 2000) { _ in 0.1 } == nil)
    }

    @Test func onlyActorsGiveUpAndOnlyThoseThatTookPart() {
        var learner = member(.learner)
        #expect(givesUp(&learner, within: 1000) { _ in nil } == nil)
        var newcomer = MembershipClient(hello: Hello(role: .actor, token: 1, host: "h", pid: 1))
        #expect(givesUp(&newcomer, within: 1000) { _ in nil } == nil)
    }

    /// A process that was stopped has not looked for anybody meanwhile.
    @Test func aStandstillIsNoSearch() {
        var client = member()
        _ = client.tick(now: start + 10) { Heartbeat(token: 0) }
        for seconds in [5000.0, 5000.5, 5001] {
            #expect(!client.tick(now: start + seconds) { Heartbeat(token: 0) }.contains { if case .refused = $0 { true } else { false } })
        }
    }

    @Test func aWelcomeEndsTheSearch() {
        var client = member()
        #expect(givesUp(&client, within: 500) { $0 } == nil)
        _ = client.received(
            .welcome(
                Welcome(
                    run: 7, runName: "demo", place: MemberPlace(rank: 0, incarnation: 0), heartbeatSeconds: 0.5, runFile: "", actor: nil)),
            now: start + 500)
        for tick in 0..<1000 {
            let actions = client.tick(now: start + 500 + Double(tick) * 0.5) { Heartbeat(token: 0) }
            #expect(!actions.contains { if case .refused = $0 { true } else { false } })
        }
    }
}
