import Platform
import Rollouts
import Tensors
import Testing

/// Columns of every space: bytes, boxes, several choices, recurrent states.
@Suite struct RolloutColumnsTests {
    private static let images = Space.bytes(shape: [3, 2, 4], high: 9)
    private static let vectors = Space.box(shape: [2])
    private static let choices = Space.multiDiscrete([2, 5, 3])
    private static let box = Space.box(shape: [2, 2], low: -1, high: 1)
    private let steps = 4
    private let slots = 3

    /// A rollout whose numbers tell where they stand; slot 1 ends at step 2.
    private func rollout(
        _ observation: Space, _ action: Space, stateCount: Int = 0, slots: Int = 3, offset: Int = 0, actor: UInt32 = 3
    ) -> Rollout {
        let builder = RolloutBuilder(observation: observation, action: action, stateCount: stateCount, steps: steps, slots: slots)
        func write(_ space: Space, _ row: UnsafeMutableRawBufferPointer, _ start: Int) {
            for k in 0..<row.count / space.elementType.byteCount {
                switch space.elementType {
                case .uint8: row[k] = UInt8((start + k) % 10)
                case .float32: row.storeBytes(of: Float(start + k) / 8, toByteOffset: 4 * k, as: Float.self)
                case .int32:
                    let counts = if case .multiDiscrete(let counts) = space { counts } else { [2] }
                    row.storeBytes(of: Int32((start + k) % counts[k % counts.count]), toByteOffset: 4 * k, as: Int32.self)
                }
            }
        }
        for t in 0...steps { write(observation, builder.observation(t), 100 * t + offset) }
        for t in 0..<steps {
            write(action, builder.action(t), 100 * t + offset)
            for b in 0..<slots {
                builder.behaviourLogProb(t)[b] = -1
                builder.reward(t)[b] = Float(t)
                (builder.terminated(t)[b], builder.truncated(t)[b]) = (0, t == 2 && b == 1 ? 1 : 0)
            }
            guard t == 2, slots > 1 else { continue }
            let final = UnsafeMutableRawBufferPointer.allocate(byteCount: observation.byteCount, alignment: 8)
            defer { final.deallocate() }
            write(observation, final, 7 + offset)
            builder.appendEnded(step: 2, slot: 1, finalObservation: UnsafeRawBufferPointer(final), episodeReturn: 1, length: 3)
        }
        for k in builder.recurrentState.indices { builder.recurrentState[k] = Float(k + offset) }
        return builder.finish(id: RolloutID(actor: actor, incarnation: 1, sequence: 44), version: 9)
    }

    private func shape(_ observation: Space, _ action: Space, _ stateCount: Int = 0) -> RolloutShape {
        RolloutShape(observation: observation, action: action, stateCount: stateCount, steps: steps, maximumSlots: 8)
    }

    private func refuses(
        _ rollout: Rollout, _ shape: RolloutShape, _ column: String, _ words: String..., location: SourceLocation = #_sourceLocation
    ) {
        for rollout in [rollout, rollout.misaligned] {
            do {
                try rollout.validate(shape)
                Issue.record("accepted", sourceLocation: location)
            } catch {
                #expect(error.column == column, "\(error)", sourceLocation: location)
                for word in words { #expect(error.problem.contains(word), "\(error)", sourceLocation: location) }
            }
        }
    }

    @Test func whatABuilderMakesIsAccepted() throws {
        for (observation, action, stateCount) in [
            (Self.images, Self.choices, 0), (Self.images, .discrete(2), 5), (Self.vectors, Self.box, 0), (Self.vectors, Self.choices, 6),
        ] {
            let good = rollout(observation, action, stateCount: stateCount)
            try good.validate(shape(observation, action, stateCount))
            try good.misaligned.validate(shape(observation, action, stateCount))
            #expect(good.observation.type == observation.elementType && good.action.type == action.elementType)
            #expect(good.action.shape == [steps, slots] + action.shape && good.recurrentState.shape == [slots, stateCount])
        }
    }

    @Test func otherTypesAndShapesAreRefused() {
        let image = rollout(Self.images, Self.choices, stateCount: 5)
        let good = shape(Self.images, Self.choices, 5)
        refuses(image.replacing("observation", .float32), good, "observation", "float32", "uint8")
        refuses(image.replacing("observation", shape: [5, 3, 3, 4, 2]), good, "observation", "[5, 3, 3, 4, 2]")
        refuses(image.replacing("finalObservation", .float32), good, "finalObservation")
        refuses(image.replacing("action", .float32), good, "action", "float32", "int32")
        refuses(image.replacing("action", shape: [4, 3, 2]), good, "action", "[4, 3, 2]", "[4, 3, 3]")
        refuses(image.replacing("action", shape: [4, 3]), good, "action")
        for width in [0, 4, 6] { refuses(image.replacing("recurrentState", shape: [3, width]), good, "recurrentState", "[3, \(width)]") }
        refuses(image.replacing("recurrentState", shape: [4, 5]), good, "recurrentState")
        refuses(image.replacing("recurrentState", shape: [15]), good, "recurrentState")
        refuses(rollout(Self.images, Self.choices), good, "recurrentState", "[3, 0]", "[3, 5]")
        refuses(image, shape(Self.images, Self.choices), "recurrentState")

        let continuous = rollout(Self.vectors, Self.box)
        refuses(continuous, shape(Self.vectors, .discrete(2)), "action", "float32 [4, 3, 2, 2]")
        refuses(continuous.replacing("action", .int32), shape(Self.vectors, Self.box), "action")
        refuses(continuous.replacing("action", shape: [4, 3, 4]), shape(Self.vectors, Self.box), "action")
    }

    @Test func numbersThatAreNoneAreNamed() {
        let good = shape(Self.vectors, Self.box, 2)
        let made = rollout(Self.vectors, Self.box, stateCount: 2)
        for (value, word) in [(Float.nan, "nan"), (.infinity, "inf"), (-.infinity, "-inf")] {
            for (column, index) in [("action", 47), ("action", 0), ("recurrentState", 5)] {
                let bad = made.replacing(column) { $0.storeBytes(of: value, toByteOffset: 4 * index, as: Float.self) }
                refuses(bad, good, column, "element \(index) is \(word)")
            }
        }
        // A density may be above 1.
        let dense = made.replacing("behaviourLogProb") { $0.storeBytes(of: 5, as: Float.self) }
        #expect(throws: Never.self) { try dense.validate(good) }
        let discrete = rollout(Self.vectors, Self.choices).replacing("behaviourLogProb") { $0.storeBytes(of: 5, as: Float.self) }
        refuses(discrete, shape(Self.vectors, Self.choices), "behaviourLogProb")
    }

    /// Each choice has its own bound, and the largest of them protects none of the others.
    @Test func everyChoiceHasItsOwnBound() {
        let made = rollout(Self.vectors, Self.choices)
        let good = shape(Self.vectors, Self.choices)
        for (index, value, allowed) in [(0, 2, 2), (33, 2, 2), (1, 5, 5), (35, 3, 3), (35, 4, 3), (3, -1, 2), (34, Int32.max, 5)]
            as [(Int, Int32, Int)]
        {
            let bad = made.replacing("action") { $0.storeBytes(of: value, toByteOffset: 4 * index, as: Int32.self) }
            refuses(bad, good, "action", "element \(index) is \(value)", "0 ..< \(allowed)")
        }
        for (index, value) in [(0, 1), (1, 4), (35, 2)] as [(Int, Int32)] {
            let fine = made.replacing("action") { $0.storeBytes(of: value, toByteOffset: 4 * index, as: Int32.self) }
            #expect(throws: Never.self) { try fine.validate(good) }
        }
    }

    @Test func survivesAnyBytes() {
        var dice = Dice(state: 5)
        for (observation, action, stateCount) in [(Self.images, Self.choices, 5), (Self.vectors, Self.box, 2)] {
            let good = rollout(observation, action, stateCount: stateCount)
            let names = good.columns.filter { $0.bytes.count > 0 }.map(\.name)
            var (refused, accepted) = (0, 0)
            for _ in 0..<2000 {
                let mutated = good.replacing(names.randomElement(using: &dice)!) { bytes in
                    for _ in 0..<Int.random(in: 1...4, using: &dice) {
                        bytes[Int.random(in: 0..<bytes.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
                    }
                }
                do {
                    try mutated.validate(shape(observation, action, stateCount))
                    accepted += 1
                } catch { refused += 1 }
            }
            #expect(refused > 300 && accepted > 100)
        }
    }

    // MARK: Batches

    @Test func imagesAndChoicesStandSideBySide() throws {
        let first = rollout(Self.images, Self.choices, stateCount: 5, slots: 2)
        let second = rollout(Self.images, Self.choices, stateCount: 5, slots: 3, offset: 3)
        for pair in [[first, second], [first.misaligned, second.misaligned]] {
            let batch = try RolloutBatch(pair, observationSpace: Self.images)
            #expect(batch.observation.count == 25)
            let bytes = batch.observation.withBytes { Array($0) }
            guard case .choices(let actions) = batch.action else { return #expect(Bool(false), "actions are no choices") }
            #expect(actions.count == 60)
            for t in 0...steps {
                for n in 0..<5 {
                    let (b, offset) = n < 2 ? (n, 0) : (n - 2, 3)
                    let (row, start) = (t * 5 + n, 100 * t + offset)
                    for k in 0..<24 { #expect(bytes[row * 24 + k] == UInt8((start + b * 24 + k) % 10)) }
                    guard t < steps else { continue }
                    for k in 0..<3 {
                        let drawn = (start + b * 3 + k) % [2, 5, 3][k]
                        #expect(actions[row * 3 + k] == Int32(drawn))
                    }
                }
            }
            // Row 0 of every state first: states have no time.
            #expect(batch.recurrentState.shape == [5, 5])
            let (firstStates, secondStates) = ((0..<10).map { Float($0) }, (3..<18).map { Float($0) })
            #expect(batch.recurrentState.values == firstStates + secondStates)
            #expect(batch.finalIndex == [11, 13] && batch.finalObservation.count == 2)
            let (firstFinal, secondFinal) = ((7..<31).map { UInt8($0 % 10) }, (0..<24).map { UInt8($0 % 10) })
            #expect(batch.finalObservation.withBytes { Array($0) } == firstFinal + secondFinal)
            // What a network sees: value / high.
            #expect(batch.finalObservation.vectors.values[0] == Float(7) / 9)
            #expect(batch.observation.picked([7, 0]).withBytes { Array($0[24...]) } == Array(bytes[..<24]))
            #expect(batch.observation.rows(7..<8).withBytes { Array($0) } == Array(bytes[168..<192]))
        }
    }

    @Test func vectorsOfActionsStandSideBySide() throws {
        let pair = [rollout(Self.vectors, Self.box, slots: 2), rollout(Self.vectors, Self.box, slots: 1, offset: 3)]
        let batch = try RolloutBatch(pair, observationSpace: Self.vectors)
        guard case .vectors(let actions) = batch.action else { return #expect(Bool(false), "actions are no vectors") }
        #expect(actions.shape == [12, 4])
        for t in 0..<steps {
            let now = actions.rows(t * 3..<(t + 1) * 3).values
            #expect(now[..<8].elementsEqual((0..<8).map { Float(100 * t + $0) / 8 }))
            #expect(now[8...].elementsEqual((0..<4).map { Float(100 * t + $0 + 3) / 8 }))
        }
        #expect(batch.recurrentState.shape == [3, 0])
    }

    @Test func columnsThatDifferAreRefused() {
        func refuses(_ other: Rollout, _ column: String, location: SourceLocation = #_sourceLocation) {
            do {
                _ = try RolloutBatch([rollout(Self.images, Self.choices, stateCount: 5), other], observationSpace: Self.images)
                Issue.record("accepted", sourceLocation: location)
            } catch { #expect(error.column == column, "\(error)", sourceLocation: location) }
        }
        refuses(rollout(Self.images, Self.choices, stateCount: 4), "recurrentState")
        refuses(rollout(Self.images, .multiDiscrete([2, 2]), stateCount: 5), "action")
        refuses(rollout(Self.images, Self.box, stateCount: 5), "action")
        refuses(rollout(Self.vectors, Self.choices, stateCount: 5), "observation")
        refuses(rollout(Self.images, Self.choices, stateCount: 5).replacing("recurrentState", shape: [15]), "recurrentState")
    }
}
