import Platform
import Runs
import Testing
import Wire

/// A peer that knows the protocol and breaks it, against a live run: each offence is refused in clear words and counted, and the run goes
/// on.
@Suite(.serialized) struct ImpostorTests {
    @Test func everyOffenceIsRefusedAndTheRunGoesOn() throws {
        let cluster = try Cluster {
            $0.stop.frames = 100_000_000
            $0.learner.onNonfinite = .skip
            $0.actors.credits = 2
        }
        let stop = Signal()
        let (coordinator, learner, actor) = (cluster.coordinator(stop), cluster.learner(), cluster.actor())
        #expect(try cluster.status { ($0.lastRecord?.version ?? 0) > 10 } != nil)
        let impostor = try cluster.impostor()

        // To the coordinator.
        for garbage in [[], [0xFF], [1, 2, 3]] as [[UInt8]] {
            #expect(impostor.refusalOfCoordinator([garbage])?.code == .malformed, "\(garbage)")
        }
        #expect(impostor.refusalOfCoordinator([[1], [2]])?.problem == "3 frames instead of 2")

        // To the learner, before a stream is open.
        func refusal(_ message: StreamMessage) -> Refusal? { impostor.refusal([.bytes(message.encoded())]) }
        #expect(impostor.refusal([.bytes([])])?.code == .malformed)
        #expect(impostor.refusal([.bytes([0xFF, 0xFF])])?.problem.contains("not a Stream message") == true)
        #expect(impostor.refusal(impostor.frames(impostor.rollout(1)))?.code == .unknownMember)
        #expect(
            refusal(impostor.attach(protocol: 99))?.problem == "protocol version 99 cannot talk to protocol version \(WireProtocol.version)"
        )
        #expect(refusal(impostor.attach(run: impostor.run &+ 1))?.code == .wrongRun)
        #expect(refusal(.grant(Grant(life: 0, acknowledgedThrough: 0, tickets: [], version: 0)))?.code == .unknownMember)

        // Over an open stream: every rollout has a ticket, and none can be trained on.
        guard case .grant(let opening)? = impostor.ask(impostor.attach()) else { return #expect(Bool(false), "the stream is not opened") }
        #expect(opening.kind == .opens && opening.tickets.count == 2)
        var sequence: UInt64 = 0
        func offend(_ frames: (UInt64) -> [OutgoingFrame], _ expected: String) throws {
            sequence += 1
            let problem = impostor.refusal(frames(sequence))?.problem
            #expect(problem?.contains(expected) == true, "\(problem ?? "nothing") instead of \(expected)")
            // The next one needs the ticket that comes when this one has come to its end.
            let deadline = Time.now + 3
            while Time.now < deadline {
                if let answer = impostor.next(within: 0.1), acknowledges(answer, sequence) { return }
            }
            Issue.record("rollout \(sequence) did not come to its end")
        }
        try offend({ impostor.frames(impostor.rollout($0, observations: 5)) }, "observation")
        try offend({ impostor.frames(impostor.rollout($0, observation: .nan)) }, "nan")
        try offend({ impostor.frames(impostor.rollout($0, observation: -.infinity)) }, "-inf")
        try offend({ impostor.frames(impostor.rollout($0, action: 2)) }, "the space is 0 ..< 2")
        try offend({ impostor.frames(impostor.rollout($0, steps: 5)) }, "5 steps in place of 20")
        try offend({ impostor.frames(impostor.rollout($0, steps: 40)) }, "40 steps in place of 20")
        try offend({ Array(impostor.frames(impostor.rollout($0)).dropLast()) }, "1 frames instead of 2")
        try offend({ impostor.frames(impostor.rollout($0)) + [.bytes([])] }, "3 frames instead of 2")
        try offend(
            {
                var frames = impostor.frames(impostor.rollout($0))
                frames[1] = .bytes([1, 2, 3])
                return frames
            }, "frame of small columns")

        // Nothing is wrong with these but their age: made by a version that is long past, and by one that never was.
        #expect(try cluster.status { $0.lastRecord!.version > 40 } != nil)
        for version in [1, UInt64.max] {
            sequence += 1
            let end = Time.now + 3
            var answer = impostor.ask(impostor.frames(impostor.rollout(sequence, version: version)))
            while Time.now < end, answer.map({ !acknowledges($0, sequence) }) ?? true { answer = impostor.next(within: 0.1) }
            #expect(answer != nil)
        }

        // Against the rules of the sequence.
        #expect(impostor.refusal(impostor.frames(impostor.rollout(sequence + 5)))?.problem == "rollout \(sequence + 1) is missing")
        #expect(refusal(.ping(produced: sequence + 9))?.code == .unknownMember)
        #expect(refusal(.detach(produced: .max, reason: ""))?.code == .malformed)
        #expect(refusal(.stop(reason: "all"))?.code == .malformed)
        #expect(refusal(impostor.attach(next: sequence + 100))?.code == .occupied)

        // A frame larger than any column: the connection is gone, the place is not.
        _ = impostor.ask([.bytes([1]), .bytes([UInt8](repeating: 0, count: 40_000_000))])
        try impostor.reconnect()
        guard case .grant(let again)? = impostor.ask(impostor.attach(next: sequence + 1)) else {
            return #expect(Bool(false), "no way back")
        }
        #expect(again.acknowledgedThrough == sequence)

        let before = try cluster.status { $0.refused >= 4 }!.lastRecord!.version
        #expect(try cluster.status { $0.lastRecord!.version > before + 20 } != nil)
        #expect(try cluster.status { $0.members.contains { $0.role == .learner && ($0["refused"] ?? 0) >= 19 } } != nil)
        stop.interrupt()
        for role in [learner, actor] { #expect(role.end()?.isFinished == true) }
        #expect(coordinator.end()?.isInterrupted == true)
        let ledger = try cluster.ledger
        #expect(ledger.isSound, "\(ledger.text)")
        let own = ledger.state.incarnations[LedgerState.Incarnation(actor: impostor.place.rank, number: impostor.place.incarnation)]
        #expect(own?.counts.failed == sequence - 2 && own?.counts.stale == 2 && own?.counts.trained == 0)
        #expect(cluster.logged("rollout \(impostor.place)/1 is refused"))
    }

    private func acknowledges(_ message: StreamMessage, _ sequence: UInt64) -> Bool {
        if case .grant(let grant) = message { grant.acknowledgedThrough == sequence } else { false }
    }

    /// Unless the run file says otherwise, numbers that are not finite stop the run: somebody's environment or policy is broken.
    @Test func notANumberStopsTheRun() throws {
        let cluster = try Cluster { $0.stop.frames = 100_000_000 }
        let (coordinator, learner, actor) = (cluster.coordinator(), cluster.learner(), cluster.actor())
        #expect(try cluster.status { ($0.lastRecord?.version ?? 0) > 10 } != nil)
        let impostor = try cluster.impostor()
        _ = impostor.ask(impostor.attach())
        _ = impostor.ask(impostor.frames(impostor.rollout(1, observation: .nan)))
        let ending = learner.end()
        #expect(ending?.exitCode == 1)
        #expect(ending?.description.contains("element 0 is nan") == true && ending?.description.contains("learner.on_nonfinite") == true)
        #expect(actor.end()?.isFinished == true)
        #expect(coordinator.end()?.description.contains("failed: ") == true)
        #expect(try cluster.ledger.isSound)
    }
}
