import Platform
import Rollouts
import TestSupport
import Testing
import Wire

/// A million and more mutated messages through every decoder: each is refused by a typed error or decodes to something that can be used. A
/// crash, an
/// index out of range or a number that does not fit ends the test process.
@Suite struct FuzzTests {
    private static let lanes = 8

    @Test(arguments: 0..<UInt64(lanes)) func control(lane: UInt64) {
        var dice = Dice(lane)
        // Long messages cost time and say nothing new.
        let seeds = Samples.control.map { $0.encoded() }.filter { $0.count < 4096 }
        fuzz(seeds, 60_000, &dice) { bytes in
            guard let message = try? ControlMessage(decoding: bytes) else { return false }
            return (try? ControlMessage(decoding: shared(message.encoded()))) != nil
        }
    }

    @Test(arguments: 0..<UInt64(lanes)) func stream(lane: UInt64) {
        var dice = Dice(lane)
        let seeds = Samples.stream.map { $0.encoded() }.filter { $0.count < 4096 }
        fuzz(seeds, 60_000, &dice) { bytes in
            guard let message = try? StreamMessage(decoding: bytes) else { return false }
            return (try? StreamMessage(decoding: shared(message.encoded()))) == message
        }
    }

    @Test(arguments: 0..<UInt64(lanes)) func weights(lane: UInt64) {
        var dice = Dice(lane)
        let parameters = shared([Float](repeating: 1, count: 4))
        fuzz(Samples.weights.map { $0.encoded() }, 20_000, &dice) { bytes in
            guard let header = try? WeightsHeader(decoding: bytes) else { return false }
            _ = try? PublishedWeights(header: bytes, parameters: parameters)
            return (try? WeightsHeader(decoding: shared(header.encoded()))) == header
        }
    }

    /// Header and columns are broken together: what passes the decoder goes to the rollout's own check, as in the learner.
    @Test(arguments: 0..<UInt64(lanes)) func rollouts(lane: UInt64) {
        var dice = Dice(lane)
        let valid = rollout(RolloutID(actor: 0, incarnation: 0, sequence: 1))
        let columns = valid.columnFrames
        var accepted = 0
        for _ in 0..<20_000 {
            var header = StreamMessage.rollout(RolloutHeader(valid)).encoded()
            if dice.chance(0.5) { mutate(&header, &dice) }
            var frames = columns
            if dice.chance(0.7) {
                let index = dice.below(frames.count)
                var bytes = frames[index].array(of: UInt8.self)
                mutate(&bytes, &dice)
                frames[index] = shared(bytes)
            }
            if dice.chance(0.05) { frames.insert(frames[0], at: dice.below(frames.count + 1)) }
            guard case .rollout(let decoded)? = try? StreamMessage(decoding: shared(header)),
                let arrived = try? decoded.rollout(columns: frames)
            else {
                continue
            }
            guard (try? arrived.validate(shape)) != nil else { continue }
            accepted += 1
            #expect(arrived.steps == shape.steps && arrived.slots <= shape.maximumSlots)
        }
        #expect(accepted > 0)
    }

    /// - Parameter decode: true when the message was accepted and survives being encoded again.
    private func fuzz(_ seeds: [[UInt8]], _ count: Int, _ dice: inout Dice, decode: (SharedBytes) -> Bool) {
        var accepted = 0
        for index in 0..<count {
            var bytes = seeds[index % seeds.count]
            mutate(&bytes, &dice)
            if decode(shared(bytes)) { accepted += 1 }
        }
        // Without any that pass, the mutations would be too coarse to get beyond protobuf itself.
        #expect(accepted > count / 50 && accepted < count)
    }
}
