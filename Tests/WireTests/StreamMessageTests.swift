import Platform
import Rollouts
import Testing
import Wire

@Suite struct StreamMessageTests {
    private typealias P = Protobuf

    private func decoded(_ bytes: [UInt8]) throws(WireError) -> StreamMessage { try StreamMessage(decoding: shared(bytes)) }

    private func field(_ bytes: [UInt8]) -> String {
        do {
            _ = try decoded(bytes)
            return "accepted"
        } catch .invalid(let field, _, _) { return field } catch .missing(let field) { return field } catch { return "\(error)" }
    }

    @Test(arguments: Samples.stream) func roundTrip(_ message: StreamMessage) throws {
        #expect(try decoded(message.encoded()) == message)
    }

    @Test func bytesOfTheContract() throws {
        let attach = P.number(1, 8) + P.fixed64(2, 7) + P.number(3, 2) + P.number(4, 3) + P.number(5, 4) + P.number(6, 6) + P.number(7, 1)
        #expect(
            try decoded(P.bytes(1, attach))
                == .attach(
                    Attach(run: 7, actor: MemberPlace(rank: 2, incarnation: 3), firstUnacknowledged: 4, nextSequence: 6, producing: true)))
        let grant = P.number(1, 1) + P.number(2, 5) + P.packed(3, [8, 9]) + P.number(4, 1) + P.number(5, 10) + P.number(6, 11)
        #expect(
            try decoded(P.bytes(2, grant))
                == .grant(Grant(life: 1, acknowledgedThrough: 5, tickets: [8, 9], kind: .opens, version: 10, begun: 11)))
        let header = try decoded(P.bytes(3, rolloutFields()))
        #expect(header == .rollout(RolloutHeader(rollout(RolloutID(actor: 1, incarnation: 2, sequence: 3), version: 4))))
        #expect(try decoded(P.bytes(5, P.number(1, 3))) == .ping(produced: 3))
        #expect(try decoded(P.bytes(6, P.number(1, 3) + P.text(2, "r"))) == .detach(produced: 3, reason: "r"))
        #expect(try decoded(P.bytes(7, P.text(1, "r"))) == .stop(reason: "r"))
    }

    /// The fields of a rollout's header, some of them changed.
    private func rolloutFields(_ changes: [Int: [UInt8]] = [:]) -> [UInt8] {
        let fields: [(Int, [UInt8])] = [
            (1, P.number(1, 1)), (2, P.number(2, 2)), (3, P.number(3, 3)), (4, P.number(4, 4)), (5, P.number(5, 3)), (6, P.number(6, 2)),
            (7, P.number(7, 2)), (8, P.number(8, 1)), (9, P.packed(9, [2])), (10, P.number(10, 2)), (11, P.packed(11, [])),
            (12, P.number(12, 2)), (13, P.number(13, 3)),
        ]
        return fields.flatMap { changes[$0.0] ?? $0.1 }
    }

    @Test func refusesWhatBreaksTheContract() {
        #expect(field([]) == "Stream.body")
        #expect(field([0x0A]) == "1 bytes are not a Stream message of apus.proto")
        for (first, next) in [(0, 1), (2, 1), (1, UInt64(WireProtocol.maximumCredits) + 2), (1 << 62, (1 << 62) + 1), (.max, .max)]
            as [(UInt64, UInt64)]
        {
            #expect(field(P.bytes(1, P.number(5, first) + P.number(6, next))).hasPrefix("Attach.first_unacknowledged"))
        }
        #expect(field(P.bytes(2, P.number(4, 3))) == "Grant.kind")
        #expect(field(P.bytes(2, P.packed(3, [UInt64](repeating: 0, count: WireProtocol.maximumCredits + 1)))) == "Grant.tickets")
        #expect(field(P.bytes(4, [])) == "Refusal.code")
    }

    @Test func refusesHeadersThatCannotBe() {
        func refused(_ changed: Int, _ bytes: [UInt8]) -> String { field(P.bytes(3, rolloutFields([changed: bytes]))) }
        for value in [0, 65537, UInt64(UInt32.max)] {
            #expect(refused(5, P.number(5, value)) == "Rollout.steps")
            #expect(refused(6, P.number(6, value)) == "Rollout.slots")
        }
        #expect(refused(7, P.number(7, 7)) == "Rollout.ended")
        for type in [0, 4, 256, UInt64(UInt32.max)] {
            #expect(refused(8, P.number(8, type)) == "Rollout.observation_type")
            #expect(refused(10, P.number(10, type)) == "Rollout.action_type")
        }
        for (number, name) in [(9, "Rollout.observation_shape"), (11, "Rollout.action_shape")] {
            #expect(refused(number, P.packed(number, [UInt64](repeating: 1, count: 9))) == name)
            #expect(refused(number, P.packed(number, [0])) == name)
            #expect(refused(number, P.packed(number, [(1 << 24) + 1])) == name)
            // More than a frame holds, and more than 64 bits hold.
            #expect(refused(number, P.packed(number, [1 << 24, 4])) == name)
            #expect(refused(number, P.packed(number, [UInt64](repeating: 1 << 24, count: 8))) == name)
        }
        // Two slots of 2²⁷ floats are what a frame holds; the rest is refused before anybody asks for memory.
        #expect(refused(12, P.number(12, 1 << 27)) == "accepted")
        for value in [(1 << 27) + 1, UInt64(UInt32.max)] as [UInt64] { #expect(refused(12, P.number(12, value)) == "Rollout.state_count") }
    }
}

@Suite struct RolloutHeaderTests {
    private let original = rollout(RolloutID(actor: 1, incarnation: 2, sequence: 3), version: 4)

    /// Responses, and the decoding steps that they took.
    @Test func responsesArriveAsTheyWere() throws {
        let groups = [
            ResponseGroup(
                task: 3, difficulty: 1, prompt: [1, 2],
                responses: [
                    GroupResponse(tokens: [4, 5], logProbs: [-1, -0.5], versions: [3, 4], roles: [.policy, .policy], rewards: [1], isCorrect: true)
                ])
        ]
        var block = ResponseBlock(groups, version: 4)
        block.work = DecodingWork(steps: 70_000, busySlots: 1 << 32, slots: 70_000 << 16)
        let sent = Rollout(id: RolloutID(actor: 1, incarnation: 2, sequence: 3), version: 4, drawn: 2, responses: block)
        guard case .rollout(let header) = try StreamMessage(decoding: shared(RolloutHeader(sent).encoded())) else { return #expect(Bool(false)) }
        #expect(header == RolloutHeader(sent))
        let arrived = try header.rollout(columns: sent.columnFrames)
        #expect(arrived.groups == groups && arrived.responses!.work == block.work)
    }

    /// No more busy slots than slots, and no more slots than an actor may have.
    @Test(arguments: [(1, 9, 8, "busy_slot_steps"), (1, 8, 65_537, "slot_steps"), (0, 0, 1, "slot_steps")] as [(UInt64, UInt64, UInt64, String)])
    func refusesSlotsThatCannotBe(_ steps: UInt64, _ busy: UInt64, _ slots: UInt64, _ name: String) {
        let counts = Protobuf.number(4, 1) + Protobuf.number(7, steps) + Protobuf.number(8, busy) + Protobuf.number(9, slots)
        let header = Protobuf.bytes(3, Protobuf.number(5, 1) + Protobuf.bytes(15, counts))
        do {
            _ = try StreamMessage(decoding: shared(header))
            Issue.record("accepted")
        } catch {
            guard case .invalid("Rollout.responses.\(name)", _, _) = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    /// Its observations and its policies are too large to travel with the other columns.
    private let large = rollout(RolloutID(actor: 1, incarnation: 2, sequence: 3), version: 4, steps: 300, slots: 8)

    @Test func smallColumnsTravelTogether() throws {
        for (sent, frames) in [(original, 1), (large, 3)] {
            let header = RolloutHeader(sent)
            #expect(sent.columnFrames.count == frames)
            let arrived = try header.rollout(columns: sent.columnFrames)
            #expect(RolloutHeader(arrived) == header)
            for (sent, received) in zip(sent.columns, arrived.columns) {
                #expect(received.bytes.array(of: UInt8.self) == sent.bytes.array(of: UInt8.self))
                #expect(received.type == sent.type && received.shape == sent.shape)
            }
        }
        try RolloutHeader(original).rollout(columns: original.columnFrames).validate(shape)
    }

    @Test func largeColumnsTravelWithoutACopy() throws {
        let frames = large.columnFrames
        #expect(frames[1] === large.observation.bytes)
        #expect(try RolloutHeader(large).rollout(columns: frames).observation.bytes === frames[1])
    }

    /// Where each small column lies in the frame is part of the contract.
    @Test func smallColumnsLieAtMultiplesOf64Bytes() {
        let frame = original.columnFrames[0].array(of: UInt8.self)
        var offset = 0
        for column in original.columns.map({ $0.bytes.array(of: UInt8.self) }) {
            #expect(Array(frame[offset..<(offset + column.count)]) == column)
            let end = (offset + column.count + 63) & ~63
            #expect(frame[(offset + column.count)..<end].allSatisfy { $0 == 0 })
            offset = end
        }
        #expect(frame.count == offset)
    }

    @Test func refusesAWrongNumberOfFrames() {
        for rollout in [original, large] {
            let columns = rollout.columnFrames
            for frames in [[], Array(columns.dropLast()), columns + [columns[0]]] {
                #expect(throws: WireError.frames(expected: columns.count + 1, found: frames.count + 1)) {
                    try RolloutHeader(rollout).rollout(columns: frames)
                }
            }
        }
    }

    @Test(arguments: 0..<3) func refusesAFrameOfAnotherSize(_ index: Int) {
        for change in [-1, 1] {
            var frames = large.columnFrames
            frames[index] = shared([UInt8](repeating: 0, count: frames[index].count + change))
            do {
                _ = try RolloutHeader(large).rollout(columns: frames)
                Issue.record("accepted frame \(index)")
            } catch {
                guard case .invalid(["frame of small columns", "column observation", "column behaviour_policy"][index], _, _) = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }
}

@Suite struct WeightsHeaderTests {
    @Test(arguments: Samples.weights) func roundTrip(_ header: WeightsHeader) throws {
        #expect(try WeightsHeader(decoding: shared(header.encoded())) == header)
    }

    @Test func bytesOfTheContract() throws {
        typealias P = Protobuf
        let bytes = P.number(1, 8) + P.fixed64(2, 2) + P.number(3, 3) + P.number(4, 4) + P.number(5, 2) + P.fixed64(6, 6)
        let header = WeightsHeader(run: 2, life: 3, version: 4, parameters: 2, layout: 6)
        #expect(try WeightsHeader(decoding: shared(bytes)) == header)
        let parameters = shared([Float(1), 2])
        let published = try PublishedWeights(header: shared(bytes), parameters: parameters)
        #expect(published.header == header && published.parameters === parameters && published.version == 4)
    }

    @Test func refusesWhatDoesNotFit() {
        let header = shared(WeightsHeader(run: 2, life: 3, version: 4, parameters: 2, layout: 6).encoded())
        for count in [0, 7, 9] {
            #expect(throws: WireError.invalid(field: "weights frame", value: "\(count) bytes", allowed: "8 bytes")) {
                try PublishedWeights(header: header, parameters: shared([UInt8](repeating: 0, count: count)))
            }
        }
        #expect(throws: WireError.self) { try WeightsHeader(decoding: shared(Protobuf.number(5, 1 << 40))) }
        #expect(throws: WireError.self) { try WeightsHeader(decoding: shared(Protobuf.number(5, .max))) }
        #expect(throws: WireError.notProtobuf(message: "WeightsHeader", bytes: 1)) {
            try WeightsHeader(decoding: shared([0xFF] as [UInt8]))
        }
    }
}
