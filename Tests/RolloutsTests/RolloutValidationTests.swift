import Platform
import Rollouts
import Tensors
import Testing

@Suite struct RolloutValidationTests {
    let shape = RolloutShape(observation: .box(shape: [2, 3]), action: .discrete(2), steps: 4, maximumSlots: 4)
    var good: Rollout {
        let builder = RolloutBuilder(observation: .box(shape: [2, 3]), action: .discrete(2), steps: 4, slots: 3)
        fill(builder, terminated: [2, 10], truncated: [7])
        return builder.finish(id: RolloutID(actor: 3, incarnation: 1, sequence: 44), version: 9)
    }

    @Test func acceptsWhatABuilderMakes() throws {
        try good.validate(shape)
        try good.misaligned.validate(shape)
        let builder = RolloutBuilder(observation: .box(shape: [2, 3]), action: .discrete(2), steps: 1, slots: 1)
        let short = RolloutShape(observation: .box(shape: [2, 3]), action: .discrete(2), steps: 1, maximumSlots: 4)
        fill(builder)
        try builder.finish(id: number(1), version: 0).validate(short)
        fill(builder, terminated: [0])
        try builder.finish(id: number(2), version: 0).validate(short)
    }

    /// Expects a refusal that names the column and everything in `words`.
    func refuses(_ rollout: Rollout, _ column: String, _ words: String..., location: SourceLocation = #_sourceLocation) {
        for rollout in [rollout, rollout.misaligned] {
            do {
                try rollout.validate(shape)
                Issue.record("accepted", sourceLocation: location)
            } catch {
                #expect(error.column == column, sourceLocation: location)
                for word in words { #expect(error.problem.contains(word), "\(error)", sourceLocation: location) }
                #expect(error.description.contains("3.1/44"), sourceLocation: location)
            }
        }
    }
    func float(_ index: Int, _ value: Float) -> (UnsafeMutableRawBufferPointer) -> Void {
        { $0.storeBytes(of: value, toByteOffset: index * 4, as: Float.self) }
    }
    func int(_ index: Int, _ value: Int32) -> (UnsafeMutableRawBufferPointer) -> Void {
        { $0.storeBytes(of: value, toByteOffset: index * 4, as: Int32.self) }
    }
    func byte(_ index: Int, _ value: UInt8) -> (UnsafeMutableRawBufferPointer) -> Void { { $0[index] = value } }

    @Test func namesNonFiniteFloats() {
        refuses(good.replacing("observation", edit: float(89, .nan)), "observation", "89", "nan")
        refuses(good.replacing("observation", edit: float(0, .infinity)), "observation", "element 0", "inf")
        refuses(good.replacing("behaviourLogProb", edit: float(5, -.infinity)), "behaviourLogProb", "5", "-inf")
        refuses(good.replacing("reward", edit: float(11, .nan)), "reward", "11")
        refuses(good.replacing("finalObservation", edit: float(17, .nan)), "finalObservation", "17")
        refuses(good.replacing("episodeReturn", edit: float(2, .nan)), "episodeReturn", "2")
    }

    @Test func namesForeignActionsAndLogits() {
        refuses(good.replacing("action", edit: int(4, 2)), "action", "element 4 is 2")
        refuses(good.replacing("action", edit: int(11, -1)), "action", "element 11 is -1")
        refuses(good.replacing("behaviourLogProb", edit: float(3, 0.5)), "behaviourLogProb", "element 3 is 0.5")
    }

    @Test func namesContradictoryEnds() {
        refuses(good.replacing("terminated", edit: byte(3, 2)), "terminated", "element 3 is 2")
        refuses(good.replacing("truncated", edit: byte(11, 255)), "truncated", "element 11 is 255")
        refuses(good.replacing("truncated", edit: byte(2, 1)), "truncated", "element 2")
        refuses(good.replacing("terminated", edit: byte(2, 0)), "finalIndex", "element 0 is 2", "step is 7")
        refuses(good.replacing("terminated", edit: byte(10, 0)), "finalIndex", "element 2 is 10", "no further")
        refuses(good.replacing("terminated", edit: byte(11, 1)), "finalIndex", "element 3 is missing", "step is 11")
        refuses(good.replacing("finalIndex", edit: int(1, 10)), "finalIndex", "element 1 is 10")
        refuses(good.replacing("finalIndex", edit: int(2, 1_000_000)), "finalIndex", "element 2 is 1000000")
        refuses(good.replacing("finalIndex", edit: int(0, -2)), "finalIndex", "element 0 is -2")
        refuses(good.replacing("episodeLength", edit: int(1, 0)), "episodeLength", "element 1 is 0")
    }

    @Test func seesAnEndAtEveryPlace() throws {
        // Flags are looked at in blocks: an end must be seen wherever it lies in one, also in the last and incomplete one.
        let shape = RolloutShape(observation: .box(shape: [1]), action: .discrete(2), steps: 29, maximumSlots: 1)
        let builder = RolloutBuilder(observation: .box(shape: [1]), action: .discrete(2), steps: 29, slots: 1)
        for place in 0..<29 {
            fill(builder, terminated: [place])
            let one = builder.finish(id: number(1), version: 0)
            try one.validate(shape)
            for column in ["terminated", "truncated"] {
                for other in 0..<29 where other != place {
                    let more = one.replacing(column, edit: byte(other, 1))
                    #expect(throws: RolloutError.self, "\(column) \(place) \(other)") { try more.validate(shape) }
                }
            }
        }
    }

    @Test func namesForeignShapes() {
        refuses(good.replacing("observation", shape: [5, 3, 3, 2]), "observation", "[5, 3, 3, 2]", "[5, 3, 2, 3]")
        refuses(good.replacing("observation", shape: [4, 3, 2, 3]), "observation")
        refuses(good.replacing("action", .float32), "action", "float32", "int32")
        refuses(good.replacing("reward", shape: [12]), "reward", "[12]")
        refuses(good.replacing("terminated", shape: [3, 4]), "terminated")
        refuses(good.replacing("finalIndex", shape: []), "finalIndex")
        refuses(good.replacing("finalObservation", shape: [2, 2, 3]), "finalObservation")
        refuses(good.replacing("episodeReturn", shape: [4]), "episodeReturn")
        let small = RolloutShape(observation: .box(shape: [2, 3]), action: .discrete(2), steps: 3, maximumSlots: 4)
        #expect(throws: RolloutError.self) { try good.validate(small) }
        let narrow = RolloutShape(observation: .box(shape: [2, 3]), action: .discrete(2), steps: 4, maximumSlots: 2)
        #expect(throws: RolloutError.self) { try good.validate(narrow) }
    }

    @Test func survivesAnyBytes() {
        // Whatever is flipped, the answer is a typed error or an accepted rollout, never a crash.
        var dice = Dice(state: 11)
        let names = good.columns.filter { $0.bytes.count > 0 }.map(\.name)
        var refused = 0
        for _ in 0..<5000 {
            let mutated = good.replacing(names.randomElement(using: &dice)!) { bytes in
                for _ in 0..<Int.random(in: 1...4, using: &dice) {
                    bytes[Int.random(in: 0..<bytes.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
                }
            }
            do { try mutated.validate(shape) } catch { refused += 1 }
        }
        #expect(refused > 1000)
    }
}
