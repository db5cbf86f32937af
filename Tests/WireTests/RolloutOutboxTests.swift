import Platform
import Rollouts
import Testing
import Wire

@Suite struct RolloutOutboxTests {
    private let now = Time.seconds(50)

    private func made(_ sequence: UInt64) -> Rollout {
        rollout(RolloutID(actor: 0, incarnation: 0, sequence: sequence), steps: 1, slots: 1)
    }

    private func opened(tickets: [UInt64] = [0, 0]) -> RolloutOutbox {
        var outbox = RolloutOutbox(run: 7, place: MemberPlace(rank: 0, incarnation: 0))
        _ = outbox.connected(now: now)
        _ = outbox.received(.grant(Grant(life: 1, acknowledgedThrough: 0, tickets: tickets, kind: .opens, version: 3)), now: now)
        return outbox
    }

    private func describe(_ actions: [RolloutOutbox.Action]) -> [String] {
        actions.map {
            switch $0 {
            case .send(.attach(let attach)):
                "attach \(attach.firstUnacknowledged)..<\(attach.nextSequence)\(attach.producing ? " producing" : "")"
            case .send(.ping(let produced)): "ping \(produced)"
            case .send(.detach(let produced, _)): "detach \(produced)"
            case .send: "other"
            case .sendRollout(let rollout): "rollout \(rollout.id.sequence)"
            case .end(let reason, let refusal): "end \(reason) \(refusal == nil ? "" : "refused")"
            }
        }
    }

    @Test func nothingIsBegunWithoutATicketAndAStream() {
        var outbox = RolloutOutbox(run: 7, place: MemberPlace(rank: 0, incarnation: 0))
        #expect(outbox.takeTicket(holding: 99) == false)
        outbox = opened(tickets: [5, 6])
        #expect(outbox.demandedVersion == 5 && outbox.learnerVersion == 3)
        #expect(outbox.takeTicket(holding: 4) == false)
        #expect(outbox.takeTicket(holding: 5) == true)
        #expect(outbox.takeTicket(holding: 99) == false, "one rollout at a time")
        #expect(describe(outbox.produced(made(1))) == ["rollout 1"])
        outbox.notSent()
        #expect(outbox.takeTicket(holding: 99) == false, "no stream")
    }

    @Test func whatIsUnacknowledgedIsSentAgain() {
        var outbox = opened()
        for sequence in 1...2 as ClosedRange<UInt64> {
            #expect(outbox.takeTicket(holding: 0) == true)
            _ = outbox.produced(made(sequence))
        }
        #expect(describe(outbox.connected(now: now + 1)) == ["attach 1..<3"])
        let again = outbox.received(
            .grant(Grant(life: 1, acknowledgedThrough: 1, tickets: [4], kind: .opens, version: 3, begun: 2)), now: now + 1)
        #expect(describe(again) == ["rollout 2"])
        #expect(outbox.unacknowledgedCount == 1)
    }

    @Test func whoeverLeavesAsksUntilEverythingHasArrived() {
        var outbox = opened()
        #expect(outbox.takeTicket(holding: 0) == true)
        _ = outbox.produced(made(1))
        #expect(describe(outbox.leave(reason: "")) == ["detach 1"] && !outbox.hasHandedOver)
        #expect(outbox.takeTicket(holding: 99) == false)
        #expect(describe(outbox.received(.refusal(Refusal(.unknownMember, problem: "p", remedy: "r")), now: now + 1)) == ["attach 1..<2"])
        let opens = Grant(life: 1, acknowledgedThrough: 0, tickets: [], kind: .opens, version: 3, begun: 1)
        #expect(describe(outbox.received(.grant(opens), now: now + 1)) == ["rollout 1", "detach 1"])
        #expect(describe(outbox.tick(now: now + 1.6)) == ["detach 1"])
        _ = outbox.received(.stop(reason: ""), now: now + 2)
        #expect(outbox.hasHandedOver)
    }

    @Test func whoeverOwesNothingMayLeaveAtOnce() {
        var outbox = opened()
        #expect(describe(outbox.leave(reason: "")) == ["detach 0"] && outbox.hasHandedOver)
    }

    @Test func ticketsUsedSinceTheAttachAreNotGivenTwice() {
        var outbox = opened()
        #expect(outbox.takeTicket(holding: 0) == true)
        _ = outbox.produced(made(1))
        #expect(outbox.takeTicket(holding: 0) == true)
        // The answer to an attach of before those two: both of its tickets are used.
        _ = outbox.received(.grant(Grant(life: 1, acknowledgedThrough: 0, tickets: [0, 0], kind: .opens, version: 3, begun: 0)), now: now)
        #expect(outbox.demandedVersion == nil)
    }

    @Test func revisionsMeanTheLastTickets() {
        var outbox = opened(tickets: [5, 6])
        #expect(outbox.takeTicket(holding: 5) == true)
        _ = outbox.received(.grant(Grant(life: 1, acknowledgedThrough: 0, tickets: [3, 4], kind: .revises, version: 3)), now: now)
        #expect(outbox.demandedVersion == 4)
    }

    @Test func grantsThatCannotBeAreIgnored() {
        var outbox = opened()
        _ = outbox.received(.grant(Grant(life: 1, acknowledgedThrough: 5, tickets: [0], version: 9)), now: now)
        _ = outbox.received(.grant(Grant(life: 0, acknowledgedThrough: 0, tickets: [0], version: 9)), now: now)
        #expect(outbox.learnerVersion == 3)
    }

    @Test func silenceOpensTheStreamAnew() {
        var outbox = opened()
        #expect(describe(outbox.tick(now: now + 0.6)) == ["ping 0"])
        #expect(describe(outbox.tick(now: now + 0.7)) == [])
        #expect(describe(outbox.tick(now: now + 3.1)) == ["attach 1..<1"])
        #expect(describe(outbox.tick(now: now + 3.5)) == [])
        #expect(describe(outbox.tick(now: now + 4.2)) == ["attach 1..<1"])
    }

    @Test func refusalsEndOrReopen() {
        for code in [RefusalCode.protocol, .wrongRun, .occupied, .finished] {
            var outbox = opened()
            #expect(describe(outbox.received(.refusal(Refusal(code, problem: "p", remedy: "r")), now: now)) == ["end p refused"])
        }
        var outbox = opened()
        #expect(describe(outbox.received(.refusal(Refusal(.malformed, problem: "p", remedy: "r")), now: now)) == [])
        #expect(outbox.refused == 1)
        #expect(describe(outbox.received(.refusal(Refusal(.unknownMember, problem: "p", remedy: "r")), now: now + 1)) == ["attach 1..<1"])
        // A burst of refusals makes one attach.
        #expect(describe(outbox.received(.refusal(Refusal(.unknownMember, problem: "p", remedy: "r")), now: now + 1.01)) == [])
        #expect(describe(outbox.received(.stop(reason: "solved"), now: now)) == ["end solved "])
    }
}
