import Platform
import Rollouts
import Testing
import Wire

@Suite struct RolloutIntakeTests {
    private let now = Time.seconds(50)
    private let place = MemberPlace(rank: 0, incarnation: 1)

    private func intake(credits: Int = 2, maxLag: Int = 0, version: UInt64 = 10) -> RolloutIntake {
        RolloutIntake(RolloutIntake.Settings(run: 7, life: 1, credits: credits, rolloutsPerUpdate: 1, maxLag: maxLag), version: version)
    }

    private func attach(_ place: MemberPlace, first: UInt64 = 1, next: UInt64 = 1, producing: Bool = false, run: UInt64 = 7)
        -> StreamMessage
    {
        .attach(Attach(run: run, actor: place, firstUnacknowledged: first, nextSequence: next, producing: producing))
    }

    private func header(_ sequence: UInt64, _ place: MemberPlace? = nil) -> StreamMessage {
        let place = place ?? self.place
        return .rollout(
            RolloutHeader(rollout(RolloutID(actor: place.rank, incarnation: place.incarnation, sequence: sequence), steps: 1, slots: 1)))
    }

    private func id(_ sequence: UInt64) -> RolloutID { RolloutID(actor: place.rank, incarnation: place.incarnation, sequence: sequence) }

    /// The grants among the actions, in order.
    private func grants(_ actions: [RolloutIntake.Action]) -> [Grant] {
        actions.compactMap { if case .send(_, .grant(let grant)) = $0 { grant } else { nil } }
    }

    private func refusal(_ actions: [RolloutIntake.Action]) -> RefusalCode? {
        guard actions.count == 1, case .send(_, .refusal(let refusal)) = actions[0] else { return nil }
        return refusal.code
    }

    @Test func ticketsFollowTheOrderOfConsumption() {
        var intake = intake()
        #expect(grants(intake.received(attach(place), from: [1], now: now))[0].tickets == [10, 11])
        #expect(grants(intake.received(attach(MemberPlace(rank: 1, incarnation: 0)), from: [2], now: now))[0].tickets == [12, 13])
        #expect(intake.received(header(1), from: [1], now: now) == [.accept])
        let grant = grants(intake.ended([id(1)], version: 11))
        #expect(grant.count == 1 && grant[0].acknowledgedThrough == 1 && grant[0].tickets == [14] && grant[0].kind == .adds)
    }

    @Test func aBoundOnLagAllowsThatMuch() {
        var intake = intake(credits: 4, maxLag: 2)
        #expect(grants(intake.received(attach(place), from: [1], now: now))[0].tickets == [8, 9, 10, 11])
    }

    @Test func aBoundChangesTheTicketsThatAreOut() {
        var intake = intake(credits: 4, maxLag: 2)
        _ = intake.received(attach(place), from: [1], now: now)
        _ = intake.received(header(1), from: [1], now: now)
        let tighter = grants(intake.bound(maxLag: 0))
        #expect(tighter.map(\.tickets) == [[11, 12, 13]] && tighter[0].kind == .revises)
        #expect(grants(intake.bound(maxLag: 100)).map(\.tickets) == [[0, 0, 0]])
        #expect(grants(intake.bound(maxLag: 100)).isEmpty, "nothing has changed")
        #expect(grants(intake.ended([id(1)], version: 11))[0].tickets == [0])
    }

    @Test func whatEndsWithoutAnUpdateLowersTheOthers() {
        var intake = intake()
        _ = intake.received(attach(place), from: [1], now: now)
        _ = intake.received(attach(MemberPlace(rank: 1, incarnation: 0)), from: [2], now: now)
        _ = intake.received(header(1), from: [1], now: now)
        _ = intake.received(header(2), from: [1], now: now)
        // One was trained, the other stale: the next rollout to be consumed is the other actor's, which waited for version 12.
        let grants = grants(intake.ended([id(1), id(2)], version: 11))
        #expect(grants.map(\.tickets) == [[13, 14], [11, 13]])
        #expect(grants.map(\.kind) == [.adds, .revises])
    }

    /// Replayed rollouts make versions that nobody planned: what is due by then may not be made by weights that are too old.
    @Test func updatesWithoutNewRolloutsRaiseTheTickets() {
        var intake = intake(credits: 2, maxLag: 1)
        #expect(grants(intake.received(attach(place), from: [1], now: now))[0].tickets == [9, 10])
        let raised = grants(intake.ended([], version: 15))
        #expect(raised.map(\.tickets) == [[14, 15]] && raised[0].kind == .revises)
        _ = intake.received(header(1), from: [1], now: now)
        #expect(grants(intake.ended([id(1)], version: 16)).map(\.kind) == [.adds])
        #expect(grants(intake.ended([], version: 16)).isEmpty)
    }

    /// Of a thousand actors, a rollout that ends concerns the one that made it, and the one whose turn comes.
    @Test func anEventConcernsFewOfManyActors() {
        var intake = RolloutIntake(RolloutIntake.Settings(run: 7, life: 1, credits: 2, rolloutsPerUpdate: 2, maxLag: 15), version: 0)
        let places = (0..<1000).map { MemberPlace(rank: UInt32($0), incarnation: 0) }
        for (index, place) in places.enumerated() {
            let actions = intake.received(attach(place), from: [UInt8(index / 250), UInt8(index % 250)], now: now)
            // Two tickets each, 32 of them due.
            #expect(actions.contains(.weights(place)) == (index < 16) && actions.count == (index < 16 ? 2 : 1))
        }
        for sequence in 1...2 as ClosedRange<UInt64> {
            for index in 0..<16 { #expect(intake.received(header(sequence, places[index]), from: [0, UInt8(index)], now: now) == [.accept]) }
        }
        func ended(_ indices: Range<Int>, version: UInt64) -> [RolloutIntake.Action] {
            intake.ended(indices.map { RolloutID(actor: UInt32($0), incarnation: 0, sequence: 1) }, version: version)
        }
        // An update as planned: new tickets for two, weights for the one whose two tickets are due then.
        let planned = ended(0..<2, version: 1)
        #expect(planned.first == .weights(places[16]) && grants(planned).map(\.kind) == [.adds, .adds] && planned.count == 3)
        // One stale: one more is due, a version earlier than was planned when its ticket was given. What it was told allows for that.
        let stale = ended(2..<3, version: 1)
        #expect(stale.first == .weights(places[17]) && grants(stale).map(\.kind) == [.adds] && stale.count == 2)
    }

    @Test func aRepeatedAttachKeepsTheTickets() {
        var intake = intake()
        _ = intake.received(attach(place), from: [1], now: now)
        _ = intake.received(attach(MemberPlace(rank: 1, incarnation: 0)), from: [2], now: now)
        let again = grants(intake.received(attach(place, producing: true), from: [3], now: now))
        #expect(again.count == 1 && again[0].tickets == [11] && again[0].begun == 1 && again[0].kind == .opens)
        #expect(refusal(intake.received(.ping(produced: 0), from: [1], now: now)) == .unknownMember)
    }

    @Test func refusesWhatIsOutOfOrder() {
        var intake = intake()
        #expect(refusal(intake.received(header(1), from: [1], now: now)) == .unknownMember)
        _ = intake.received(attach(place), from: [1], now: now)
        #expect(refusal(intake.received(header(2), from: [1], now: now)) == .unknownMember)
        #expect(refusal(intake.received(.ping(produced: 1), from: [1], now: now)) == .unknownMember)
        #expect(refusal(intake.received(header(1, MemberPlace(rank: 5, incarnation: 0)), from: [1], now: now)) == .malformed)
        #expect(refusal(intake.received(.stop(reason: ""), from: [1], now: now)) == .malformed)
        #expect(refusal(intake.received(.detach(produced: .max, reason: ""), from: [1], now: now)) == .malformed)
        for sequence in 1...2 as ClosedRange<UInt64> { #expect(intake.received(header(sequence), from: [1], now: now) == [.accept]) }
        #expect(refusal(intake.received(header(3), from: [1], now: now)) == .malformed)
        #expect(grants(intake.received(header(2), from: [1], now: now)).first?.tickets == [])
        #expect(intake.duplicates == 1 && intake.refused == 7)
    }

    @Test func refusesStrangers() {
        var intake = intake()
        #expect(refusal(intake.received(attach(place, run: 8), from: [1], now: now)) == .wrongRun)
        var other = Attach(run: 7, actor: place, firstUnacknowledged: 1, nextSequence: 1, producing: false)
        other.protocol = 99
        guard case .send(_, .refusal(let refusal)) = intake.received(.attach(other), from: [1], now: now)[0] else {
            return #expect(Bool(false))
        }
        #expect(refusal.code == .protocol && refusal.problem.contains("99") && refusal.problem.contains("\(WireProtocol.version)"))
        #expect(intake.actors == 0 && intake.refused == 2)
    }

    /// Another process claims the place of an actor, with numbers that this one never had.
    @Test func aPlaceCannotBeTakenOverByFalseNumbers() {
        var intake = intake()
        _ = intake.received(attach(place), from: [1], now: now)
        _ = intake.received(header(1), from: [1], now: now)
        #expect(refusal(intake.received(attach(place, first: 500, next: 500), from: [2], now: now)) == .occupied)
        #expect(refusal(intake.received(attach(place), from: [2], now: now)) == .occupied)
        #expect(intake.received(header(2), from: [1], now: now) == [.accept])
    }

    /// The largest claims that a decoder lets through.
    @Test func numbersAtTheEndOfTheirRange() {
        var intake = intake()
        let last = WireProtocol.maximumSequence
        let first = last - UInt64(WireProtocol.maximumCredits)
        #expect(grants(intake.received(attach(place, first: first, next: last, producing: true), from: [1], now: now))[0].tickets == [])
        for sequence in first...(last) { #expect(intake.received(header(sequence), from: [1], now: now) == [.accept]) }
        #expect(refusal(intake.received(header(last + 1), from: [1], now: now)) == .malformed)
        #expect(intake.departed(place) == [])
        #expect(intake.open == WireProtocol.maximumCredits + 1)
    }

    @Test func departedActorsLeaveTheirLossAndTheirPlaceInTheOrder() {
        var intake = intake()
        let other = MemberPlace(rank: 1, incarnation: 0)
        _ = intake.received(attach(place, first: 1, next: 3), from: [1], now: now)
        _ = intake.received(header(1), from: [1], now: now)
        #expect(grants(intake.received(attach(other), from: [2], now: now))[0].tickets == [12, 13])
        let actions = intake.departed(place)
        #expect(actions.first == .lost(place, 2...2))
        #expect(grants(actions).isEmpty, "what has arrived is consumed first")
        #expect(grants(intake.ended([id(1)], version: 11)).map(\.tickets) == [[11, 13]])
        #expect(intake.departed(place) == [])
        // It was alive after all: what had arrived is not taken again.
        let grant = grants(intake.received(attach(place, first: 1, next: 3), from: [3], now: now))
        #expect(grant[0].acknowledgedThrough == 1 && grant[0].tickets == [14])
        #expect(grants(intake.received(header(1), from: [3], now: now)).count == 1)
        #expect(intake.received(header(2), from: [3], now: now) == [.accept])
    }

    /// Tickets of an actor whose time is counted in ticks of a second.
    private func tick(_ intake: inout RolloutIntake, through seconds: Double) -> [RolloutIntake.Action] {
        stride(from: 0, through: seconds, by: 0.5).flatMap { intake.tick(now: now + $0) }
    }

    /// Nothing is lost for good while its actor may come back with it.
    @Test func whoeverIsSilentIsAwayAndMayComeBack() {
        var intake = intake()
        _ = intake.received(attach(place, first: 1, next: 2), from: [1], now: now)
        #expect(tick(&intake, through: 4) == [])
        #expect(intake.tick(now: now + 4.5) == [.missing(place, produced: 1)])
        #expect(intake.actors == 0)
        #expect(grants(intake.received(attach(place, first: 1, next: 2), from: [2], now: now + 9)).count == 1)
        #expect(intake.received(header(1), from: [2], now: now + 9) == [.accept])
    }

    @Test func whoeverIsAwayAtTheEndHasLostWhatDidNotArrive() {
        var intake = intake()
        _ = intake.received(attach(place, first: 1, next: 3), from: [1], now: now)
        _ = tick(&intake, through: 5)
        #expect(intake.stop(reason: "") == [.lost(place, 1...2)])
        #expect(intake.departed(place) == [], "once is enough")
    }

    /// The coordinator alone cannot reach an actor: what the actor itself says counts more.
    @Test func aDoubtedActorStaysWhileItIsHeard() {
        var intake = intake()
        _ = intake.received(attach(place), from: [1], now: now)
        _ = intake.received(header(1), from: [1], now: now)
        intake.doubted(place, now: now)
        for step in 1...10 {
            _ = intake.received(.ping(produced: 1), from: [1], now: now + 0.5 * Double(step))
            #expect(intake.tick(now: now + 0.5 * Double(step)) == [])
        }
        #expect(tick(&intake, through: 5.5).isEmpty)
        #expect(intake.tick(now: now + 6) == [] && intake.actors == 0)
    }

    @Test func aLearnerThatStoodStillTakesNobodyForSilent() {
        var intake = intake()
        _ = intake.received(attach(place), from: [1], now: now)
        #expect(intake.tick(now: now) == [] && intake.tick(now: now + 60) == [])
        #expect(intake.actors == 1)
    }

    /// Two actors with one credit each are enough for an update of eight, and one alone is, too.
    @Test func fewActorsMakeAWholeUpdate() {
        var intake = RolloutIntake(RolloutIntake.Settings(run: 7, life: 1, credits: 1, rolloutsPerUpdate: 8, maxLag: 0), version: 0)
        let other = MemberPlace(rank: 1, incarnation: 0)
        #expect(grants(intake.received(attach(place), from: [1], now: now))[0].tickets.count == 8)
        #expect(grants(intake.received(attach(other), from: [2], now: now))[0].tickets.count == 4)
        _ = intake.received(header(1, other), from: [2], now: now)
        #expect(grants(intake.departed(place)).filter { $0.kind == .adds }.map(\.tickets.count) == [4], "its share is the whole again")
    }

    /// One actor hides the round trip with what it has under way; of several, each needs less.
    @Test func fewActorsHaveMoreUnderWay() {
        var intake = RolloutIntake(RolloutIntake.Settings(run: 7, life: 1, credits: 2, creditsTogether: 8, rolloutsPerUpdate: 1, maxLag: 32), version: 0)
        let others = (1...4).map { MemberPlace(rank: $0, incarnation: 0) }
        #expect(grants(intake.received(attach(place), from: [1], now: now))[0].tickets.count == 8)
        let given = others.map { grants(intake.received(attach($0), from: [UInt8($0.rank) + 1], now: now))[0].tickets.count }
        #expect(given == [4, 3, 2, 2], "at least its own credits")
    }

    @Test func stopReachesThoseThereAndThoseWhoCome() {
        var intake = intake()
        _ = intake.received(attach(place), from: [1], now: now)
        #expect(intake.stop(reason: "solved") == [.send([1], .stop(reason: "solved"))])
        #expect(intake.received(attach(MemberPlace(rank: 1, incarnation: 0)), from: [2], now: now) == [.send([2], .stop(reason: "solved"))])
        #expect(
            intake.received(.detach(produced: 0, reason: ""), from: [1], now: now) == [.send([1], .stop(reason: "all rollouts have arrived"))])
        #expect(intake.actors == 0)
    }

    @Test func whoeverLeavesIsAskedForWhatIsMissing() {
        var intake = intake()
        _ = intake.received(attach(place), from: [1], now: now)
        #expect(refusal(intake.received(.detach(produced: 1, reason: ""), from: [1], now: now)) == .unknownMember)
        _ = intake.received(attach(place, next: 2), from: [1], now: now)
        _ = intake.received(header(1), from: [1], now: now)
        #expect(
            intake.received(.detach(produced: 1, reason: ""), from: [1], now: now) == [.send([1], .stop(reason: "all rollouts have arrived"))])
        #expect(intake.actors == 0)
    }
}
