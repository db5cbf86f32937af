import Environments
import Networks
import Platform
import Testing
import Wire

/// The coordinator's machine by itself.
@Suite struct MembershipTests {
    private typealias Action = Membership.Action
    private let now = Time.seconds(100)
    private let location = LearnerLocation(rollouts: "tcp://h:1", weights: "tcp://h:2", life: 0)

    private func membership(_ ledger: Membership.Ledger = Membership.Ledger(), written: Set<Double> = []) -> Membership {
        Membership(
            Membership.Settings(
                run: 7, runName: "r", runFile: "seed: 1", runDirectory: "/runs/r",
                assignment: ActorAssignment(
                    environment: EnvironmentSettings("E"), slots: 1, unroll: 1, seed: 1, network: NetworkSettings(hidden: []))),
            ledger: ledger, written: written, now: now)
    }

    private func hello(_ role: Role, _ token: UInt64, returning: MemberPlace? = nil, learner: LearnerLocation? = nil) -> ControlMessage {
        .hello(Hello(role: role, token: token, host: "h", pid: UInt32(token), returning: returning, learner: learner))
    }

    private func place(_ actions: [Action]) -> MemberPlace? {
        actions.compactMap { if case .send(_, .welcome(let welcome)) = $0 { welcome.place } else { nil } }.first
    }
    private func refusal(_ actions: [Action]) -> RefusalCode? {
        actions.compactMap { if case .send(_, .refusal(let refusal)) = $0 { refusal.code } else { nil } }.first
    }
    private func ledger(_ actions: [Action]) -> Membership.Ledger? {
        actions.compactMap { if case .persist(let ledger) = $0 { ledger } else { nil } }.last
    }

    @Test func ranksAreFilledFromBelowAndIncarnationsNeverRepeat() {
        var membership = membership()
        #expect(place(membership.received(hello(.actor, 1), from: [1], now: now)) == MemberPlace(rank: 0, incarnation: 0))
        #expect(place(membership.received(hello(.actor, 2), from: [2], now: now)) == MemberPlace(rank: 1, incarnation: 0))
        // The same process again, over another connection.
        #expect(place(membership.received(hello(.actor, 1), from: [9], now: now)) == MemberPlace(rank: 0, incarnation: 0))
        _ = membership.received(.goodbye(token: 1, reason: ""), from: [9], now: now)
        #expect(place(membership.received(hello(.actor, 3), from: [3], now: now)) == MemberPlace(rank: 0, incarnation: 1))
        _ = membership.processGone(3, now: now)
        let actions = membership.received(hello(.actor, 4), from: [4], now: now)
        #expect(place(actions) == MemberPlace(rank: 0, incarnation: 2))
        // On the disk before anybody hears of it.
        let persisted = actions.firstIndex { if case .persist = $0 { true } else { false } }!
        let welcomed = actions.firstIndex { if case .send = $0 { true } else { false } }!
        #expect(persisted < welcomed && ledger(actions)?.incarnations == [0: 3, 1: 1])
    }

    @Test func aRestartedCoordinatorTakesBackItsMembersAndNoOthers() {
        var before = membership()
        _ = before.received(hello(.actor, 1), from: [1], now: now)
        _ = before.received(hello(.actor, 2), from: [2], now: now)
        let kept = ledger(before.received(hello(.learner, 3, learner: location), from: [3], now: now))!

        var after = membership(kept)
        // A newcomer is quicker than actor 0.0, and gets another incarnation of its rank.
        #expect(place(after.received(hello(.actor, 8), from: [8], now: now)) == MemberPlace(rank: 0, incarnation: 1))
        #expect(
            place(after.received(hello(.actor, 1, returning: MemberPlace(rank: 0, incarnation: 0)), from: [1], now: now))
                == MemberPlace(rank: 0, incarnation: 0))
        #expect(
            refusal(after.received(hello(.actor, 9, returning: MemberPlace(rank: 0, incarnation: 0)), from: [9], now: now)) == .occupied)
        for stranger in [
            MemberPlace(rank: 0, incarnation: .max), MemberPlace(rank: 1, incarnation: 1), MemberPlace(rank: 5, incarnation: 0),
        ] {
            #expect(refusal(after.received(hello(.actor, 10, returning: stranger), from: [10], now: now)) == .wrongRun)
        }
        for life in [0, 2, UInt32.max] {
            #expect(
                refusal(after.received(hello(.learner, 11, returning: MemberPlace(rank: 0, incarnation: life)), from: [11], now: now))
                    == .wrongRun)
        }
        let back = after.received(
            hello(.learner, 3, returning: MemberPlace(rank: 0, incarnation: 1), learner: location), from: [3], now: now)
        #expect(place(back) == MemberPlace(rank: 0, incarnation: 1))
        var located = location
        located.life = 1
        for peer in [[1], [8]] as [Membership.Peer] { #expect(back.contains(.send(peer, .learnerLocation(located)))) }
    }

    @Test func oneLearnerAtATime() {
        var membership = membership()
        #expect(place(membership.received(hello(.learner, 1), from: [1], now: now))?.incarnation == 1)
        #expect(refusal(membership.received(hello(.learner, 2), from: [2], now: now)) == .occupied)
        _ = membership.tick(now: now + 3.1)
        #expect(place(membership.received(hello(.learner, 2), from: [2], now: now + 3.1))?.incarnation == 2)
        // The first was only slow; its place is gone.
        #expect(refusal(membership.received(.heartbeat(Heartbeat(token: 1)), from: [1], now: now + 3.2)) == .unknownMember)
        let late = membership.received(hello(.learner, 1, returning: MemberPlace(rank: 0, incarnation: 1)), from: [1], now: now + 3.2)
        #expect(refusal(late) == .wrongRun)
    }

    @Test func refusesAnotherProtocol() {
        var membership = membership()
        var other = Hello(role: .actor, token: 1, host: "h", pid: 1)
        other.protocol = 9
        #expect(refusal(membership.received(.hello(other), from: [1], now: now)) == .protocol)
        #expect(refusal(membership.received(.statusRequest(protocol: 9), from: [1], now: now)) == .protocol)
        #expect(refusal(membership.received(.stop(reason: ""), from: [1], now: now)) == .malformed)
        #expect(refusal(membership.malformed(.missing(field: "x"), from: [1], now: now)) == .malformed)
        #expect(membership.status(now: now).refused == 4)
        guard
            case .send(_, .status(let status)) = membership.received(.statusRequest(protocol: WireProtocol.version), from: [1], now: now)[0]
        else { return #expect(Bool(false)) }
        #expect(status.members.isEmpty && status.runName == "r")
    }

    @Test func aBoundIsWrittenDownBeforeItIsPassedOn() {
        var membership = membership()
        #expect(refusal(membership.received(.adjust(protocol: 9, maxLag: 1), from: [9], now: now)) == .protocol)
        // Without a learner it waits in the run file.
        #expect(membership.received(.adjust(maxLag: 3), from: [9], now: now).filter { if case .log = $0 { false } else { true } } == [
            .adjust(maxLag: 3), .send([9], .adjust(maxLag: 3)),
        ])
        membership.replaceRunFile("max_lag: 3")
        let welcomed = membership.received(hello(.learner, 1), from: [1], now: now)
        #expect(welcomed.contains { if case .send(_, .welcome(let welcome)) = $0 { welcome.runFile == "max_lag: 3" } else { false } })
        #expect(membership.received(.adjust(maxLag: 0), from: [9], now: now).filter { if case .log = $0 { false } else { true } } == [
            .adjust(maxLag: 0), .send([1], .adjust(maxLag: 0)), .send([9], .adjust(maxLag: 0)),
        ])
    }

    @Test func theLearnerHearsOfActorsThatAreGone() {
        var membership = membership()
        _ = membership.received(hello(.learner, 1), from: [1], now: now)
        _ = membership.received(hello(.actor, 2), from: [2], now: now)
        _ = membership.received(hello(.actor, 3), from: [3], now: now)
        _ = membership.received(.heartbeat(Heartbeat(token: 1)), from: [1], now: now + 2)
        _ = membership.received(.heartbeat(Heartbeat(token: 3)), from: [3], now: now + 2)
        #expect(membership.tick(now: now + 3.1).contains(.send([1], .departed(rank: 0, incarnation: 0, cause: "silent for 3.0 s", ended: false))))
        #expect(membership.processGone(3, now: now).contains(.send([1], .departed(rank: 1, incarnation: 0, cause: "its process ended", ended: true))))
        // Of one that is only silent the end may still come to be known.
        #expect(membership.processes(on: "h").map(\.token).sorted() == [1, 2])
        #expect(membership.processes(on: "elsewhere").isEmpty)
        #expect(membership.processGone(2, now: now).contains(.send([1], .departed(rank: 0, incarnation: 0, cause: "its process ended", ended: true))))
        #expect(membership.processes(on: "h").map(\.token) == [1])
    }

    /// A process that was killed closes its connections: that is known sooner than silence alone would tell.
    @Test func whoeverIsQuietAndHasNoConnectionIsGone() {
        var membership = membership()
        _ = membership.received(hello(.learner, 1), from: [1], now: now)
        #expect(membership.quiet(now: now + 0.9).isEmpty)
        #expect(membership.quiet(now: now + 1.1).map(\.token) == [1])
        #expect(refusal(membership.received(hello(.learner, 2), from: [2], now: now + 1.1)) == .occupied)
        _ = membership.unreachable(1, now: now + 1.1)
        #expect(place(membership.received(hello(.learner, 2), from: [2], now: now + 1.2)) == MemberPlace(rank: 0, incarnation: 2))
        // It was alive after all, and finds its place taken.
        #expect(refusal(membership.received(hello(.learner, 1), from: [3], now: now + 1.3)) == .wrongRun)
    }

    /// After a cut, messages to the old connection are lost: the member must come again to hear what it missed.
    @Test func anotherConnectionMustIntroduceItself() {
        var membership = membership()
        _ = membership.received(hello(.actor, 1), from: [1], now: now)
        #expect(refusal(membership.received(.heartbeat(Heartbeat(token: 1)), from: [2], now: now)) == .unknownMember)
        _ = membership.received(hello(.actor, 1, returning: MemberPlace(rank: 0, incarnation: 0)), from: [2], now: now)
        #expect(membership.received(.heartbeat(Heartbeat(token: 1)), from: [2], now: now) == [.send([2], .heartbeatReply(run: 7))])
    }

    private func record(_ sequence: UInt64, _ time: Double) -> Record {
        Record(sequence: sequence, time: time, version: 1, frames: 1, scalars: [])
    }

    @Test func recordsAreKeptOnceAndOnlyTheLearners() {
        // A coordinator before this one has written the record of time 9, and could not tell the learner.
        var ledger = Membership.Ledger()
        ledger.learnerLives = 1
        var membership = membership(ledger, written: [8, 9])
        #expect(refusal(membership.received(.record(record(1, 11)), from: [1], now: now)) == .unknownMember)
        _ = membership.received(hello(.learner, 1, returning: MemberPlace(rank: 0, incarnation: 1)), from: [1], now: now)
        #expect(membership.received(.record(record(2, 9)), from: [1], now: now) == [.send([1], .recordKept(through: 2))])
        #expect(
            membership.received(.record(record(3, 11)), from: [1], now: now) == [
                .append(record(3, 11)), .send([1], .recordKept(through: 3)),
            ])
        #expect(membership.received(.record(record(3, 11)), from: [1], now: now) == [.send([1], .recordKept(through: 3))])
        #expect(membership.status(now: now).lastRecord == record(3, 11))
    }

    /// A clock that is set back, and a new learner whose clock is behind: every record is kept, in the order in which it was made.
    @Test func recordsAreNotJudgedByTheirTime() {
        var membership = membership(written: [100])
        _ = membership.received(hello(.learner, 1), from: [1], now: now)
        for (sequence, time) in [(1, 50.0), (2, 40), (3, 100)] {
            let made = record(UInt64(sequence), time)
            #expect(membership.received(.record(made), from: [1], now: now).first == .append(made))
        }
        _ = membership.processGone(1, now: now)
        _ = membership.received(hello(.learner, 2), from: [2], now: now)
        #expect(membership.received(.record(record(1, 10)), from: [2], now: now).first == .append(record(1, 10)))
    }

    /// A thousand members say twice a second that they live, four thousand once in two seconds; and are given so much longer.
    @Test func manyMembersBeatLessOften() {
        var membership = membership()
        func interval(_ actions: [Action]) -> Double? {
            actions.compactMap { if case .send(_, .welcome(let welcome)) = $0 { welcome.heartbeatSeconds } else { nil } }.first
        }
        let intervals = (0..<2001).map { interval(membership.received(hello(.actor, UInt64($0)), from: [UInt8($0 >> 8), UInt8($0 & 255)], now: now)) }
        #expect(intervals[0] == 0.5 && intervals[1000] == 0.5 && intervals[2000] == 1)
        #expect(interval(membership.received(hello(.learner, 5000), from: [9, 9, 9], now: now)) == 0.5, "nobody waits longer for the learner's end")
        // In steps that are no standstill of the coordinator.
        for step in 1...4 { _ = membership.tick(now: now + Double(step)) }
        // Six intervals of the 1334th and of whoever came after it are longer than that.
        #expect(membership.status(now: now + 4).members.count == 667)
    }

    @Test func theOutcomeEndsTheRunForAll() {
        var membership = membership()
        _ = membership.received(hello(.learner, 1), from: [1], now: now)
        _ = membership.received(hello(.actor, 2), from: [2], now: now)
        let outcome = Outcome(solved: true, reason: "solved")
        _ = membership.received(
            .record(Record(sequence: 1, time: 1, version: 1, frames: 1, scalars: [], outcome: outcome)), from: [1], now: now)
        let told = membership.tick(now: now)
        #expect(told == [.send([1], .stop(reason: "solved")), .send([2], .stop(reason: "solved"))])
        #expect(refusal(membership.received(hello(.actor, 3), from: [3], now: now)) == .finished)
        _ = membership.received(.goodbye(token: 1, reason: ""), from: [1], now: now)
        #expect(membership.received(.goodbye(token: 2, reason: ""), from: [2], now: now).last == .end(outcome))
    }

    @Test func aCoordinatorThatStoodStillTakesNobodyForSilent() {
        var membership = membership()
        _ = membership.received(hello(.learner, 1), from: [1], now: now)
        _ = membership.tick(now: now)
        #expect(membership.tick(now: now + 60) == [])
        #expect(membership.status(now: now + 60).members.count == 1)
        for second in 61...64 { _ = membership.tick(now: now + Double(second)) }
        #expect(membership.status(now: now + 64).members.isEmpty)
    }

    @Test func whoComesBackDuringTheEndMayStillReportAndIsToldToStop() {
        var membership = membership()
        _ = membership.received(hello(.learner, 1), from: [1], now: now)
        _ = membership.received(hello(.actor, 2), from: [2], now: now)
        _ = membership.stop(reason: "asked", now: now)
        // Over another connection: what was sent on the one before is lost.
        #expect(membership.received(hello(.learner, 1), from: [4], now: now).last == .send([4], .stop(reason: "asked")))
        for second in 0...5 { _ = membership.tick(now: now + Double(second)) }
        let returning = hello(.learner, 1, returning: MemberPlace(rank: 0, incarnation: 1))
        #expect(membership.received(returning, from: [5], now: now + 5).last == .send([5], .stop(reason: "asked")))
        let last = Record(sequence: 9, time: 9, version: 9, frames: 9, scalars: [], outcome: nil)
        #expect(membership.received(.record(last), from: [5], now: now + 5).contains(.append(last)))
    }

    @Test func aCoordinatorThatIsStoppedInItsFirstMomentWaitsForTheMembersOfBefore() {
        var ledger = Membership.Ledger()
        ledger.learnerLives = 1
        var membership = membership(ledger)
        #expect(membership.stop(reason: "asked", now: now) == [])
        #expect(membership.tick(now: now + 1.4) == [])
        #expect(membership.tick(now: now + 1.6) == [.end(Outcome(solved: false, reason: "asked"))])
    }

    @Test func aMemberThatDoesNotLeaveHoldsTheEndUpForAWhile() {
        var membership = membership()
        _ = membership.received(hello(.actor, 2), from: [2], now: now)
        _ = membership.stop(reason: "asked", now: now)
        #expect(membership.stop(reason: "again", now: now) == [])
        for second in 1...15 {
            let actions =
                membership.received(.heartbeat(Heartbeat(token: 2)), from: [2], now: now + Double(second))
                + membership.tick(now: now + Double(second))
            #expect(!actions.contains(.end(Outcome(solved: false, reason: "asked"))))
        }
        #expect(membership.tick(now: now + 15.1).contains(.end(Outcome(solved: false, reason: "asked"))))
    }

    // MARK: What the status tells

    @Test func theStatusTellsWhoCameAndWent() {
        var membership = membership()
        func hello(_ token: UInt64, _ role: Role) -> ControlMessage { .hello(Hello(role: role, token: token, host: "h", pid: UInt32(token))) }
        _ = membership.received(hello(1, .actor), from: [1], now: now)
        _ = membership.received(hello(2, .learner), from: [2], now: now + 1)
        _ = membership.received(.goodbye(token: 2, reason: "bye"), from: [2], now: now + 2)
        _ = membership.processGone(1, now: now + 3)
        for _ in 0..<100 { _ = membership.received(.stop(reason: ""), from: [9], now: now + 4) }
        let events = membership.status(now: now + 5).events
        #expect(events.map(\.kind) == [.joined, .joined, .left, .lost, .refused])
        #expect(events.map(\.secondsAgo) == [5, 4, 3, 2, 1] && events.map(\.count) == [1, 1, 1, 1, 100])
        #expect(events[3].subject?.pid == 1 && events[3].text == "its process ended" && events[4].subject == nil)
        // Strangers with ever new mistakes do not push out who takes part.
        for number in 0..<1000 { _ = membership.malformed(.missing(field: "\(number)"), from: [9], now: now + 6) }
        let later = membership.status(now: now + 6).events
        #expect(later.count == Membership.eventsKept && later.prefix(4).map(\.kind) == [.joined, .joined, .left, .lost])
    }

    /// A heartbeat that was long under way makes the clock look behind: the best of the last ones counts.
    @Test func clocksAreCompared() {
        var membership = membership()
        _ = membership.received(.hello(Hello(role: .actor, token: 1, host: "h", pid: 1)), from: [1], now: now)
        #expect(membership.status(now: now).members[0].clockAhead == nil)
        for delay in [0.5, 0.25, 2] {
            _ = membership.received(.heartbeat(Heartbeat(token: 1, wallTime: 1100)), from: [1], now: now, wall: 1000 + delay)
        }
        #expect(membership.status(now: now).members[0].clockAhead == 99.75)
        // Set right by somebody.
        for _ in 0..<8 { _ = membership.received(.heartbeat(Heartbeat(token: 1, wallTime: 1000)), from: [1], now: now, wall: 1000) }
        #expect(membership.status(now: now).members[0].clockAhead == 0)
    }
}
