import Platform
import Rollouts
import Tensors
import Testing

@Suite struct RolloutBatchTests {
    func rollout(
        slots: Int, steps: Int = 3, shape: [Int] = [2], offset: Float, terminated: Set<Int> = [], truncated: Set<Int> = [],
        version: UInt64 = 0
    ) -> Rollout {
        let builder = RolloutBuilder(observation: .box(shape: shape), action: .discrete(2), steps: steps, slots: slots)
        fill(builder, offset: offset, terminated: terminated, truncated: truncated)
        return builder.finish(id: number(UInt64(offset) + 1), version: version)
    }

    @Test func rolloutsStandSideBySide() throws {
        let first = rollout(slots: 2, offset: 0, terminated: [3], truncated: [0], version: 7)
        let second = rollout(slots: 3, offset: 0.25, terminated: [1, 8], version: 5)
        for pair in [[first, second], [first.misaligned, second.misaligned]] {
            let batch = try RolloutBatch(pair, observationSpace: .box(shape: [2]))
            #expect(batch.steps == 3 && batch.slots == 5 && batch.frames == 15)
            #expect(batch.version == [7, 5])
            #expect(batch.parts.map(\.slots) == [0..<2, 2..<5] && batch.parts.map(\.id) == [first.id, second.id])
            let observations = batch.observation.vectors.values
            #expect(batch.observation.count == 20 && observations.count == 40)
            for t in 0...3 {
                for n in 0..<5 {
                    let (b, offset): (Int, Float) = n < 2 ? (n, 0) : (n - 2, 0.25)
                    for k in 0..<2 { #expect(observations[(t * 5 + n) * 2 + k] == Float(1000 * t + 10 * b + k) + offset) }
                }
            }
            #expect(batch.reward.shape == [3, 5])
            #expect(batch.reward.values == [0, 1, 0.25, 1.25, 2.25, 2, 3, 3.25, 4.25, 5.25, 4, 5, 6.25, 7.25, 8.25])
            #expect(batch.behaviourLogProb.shape == [3, 5])
            #expect(batch.behaviourLogProb.values[5..<10].elementsEqual([-0.02, -0.03, -0.03, -0.04, -0.05]))
            guard case .choices(let actions) = batch.action else { return #expect(Bool(false), "actions are no choices") }
            #expect(actions == [0, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0])
            #expect(batch.terminated == [0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1])
            #expect(batch.truncated == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            // Ended episodes in the order of the batch, wherever they come from.
            #expect(batch.finalIndex == [0, 3, 6, 14])
            #expect(batch.finalObservation.vectors.shape == [4, 2])
            #expect(batch.finalObservation.vectors.values == [0, -1, -2.25, -3.25, -6, -7, -16.25, -17.25])
            #expect(batch.episodeReturns == [0.5, 1.5, 3.5, 8.5])
            #expect(batch.episodeLengths == [1, 2, 4, 9])
        }
    }

    @Test func oneRolloutWithoutEndsIsItself() throws {
        let one = rollout(slots: 2, offset: 0)
        let batch = try RolloutBatch([one], observationSpace: .box(shape: [2]))
        #expect(batch.observation.vectors.values == one.observation.bytes.array(of: Float.self))
        #expect(batch.finalIndex.isEmpty && batch.finalObservation.count == 0 && batch.episodeReturns.isEmpty)
    }

    @Test func differingRolloutsAreRefusedByName() {
        func refuses(_ other: Rollout, _ column: String, location: SourceLocation = #_sourceLocation) {
            do {
                _ = try RolloutBatch([rollout(slots: 2, offset: 0), other], observationSpace: .box(shape: [2]))
                Issue.record("accepted", sourceLocation: location)
            } catch {
                #expect(error.column == column && error.place.contains("0.0/2"), "\(error)", sourceLocation: location)
            }
        }
        refuses(rollout(slots: 2, steps: 4, offset: 1), "steps")
        refuses(rollout(slots: 2, shape: [3], offset: 1), "observation")
        // What was not validated is refused before anything is copied from beyond its end.
        refuses(rollout(slots: 2, offset: 1).replacing("reward", shape: [3, 1]), "reward")
        refuses(rollout(slots: 2, offset: 1).replacing("terminated", .float32), "terminated")
        refuses(
            rollout(slots: 2, offset: 1, terminated: [1]).replacing("finalIndex") { $0.storeBytes(of: 99, as: Int32.self) }, "finalIndex")
    }
}
