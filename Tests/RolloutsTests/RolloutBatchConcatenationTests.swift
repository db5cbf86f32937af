import Rollouts
import Tensors
import Testing

@Suite struct RolloutBatchConcatenationTests {
    private static let spaces: [(Space, Space, Int)] = [
        (.box(shape: [3]), .discrete(3), 0), (.bytes(shape: [2, 2], high: 255), .box(shape: [2]), 4), (.box(shape: [1]), .multiDiscrete([3, 3]), 1),
    ]

    /// Live rollouts beside each other's batches are the batch of all of them.
    @Test func liveBatchesAddUp() throws {
        for (observation, action, stateCount) in Self.spaces {
            let shape = RolloutShape(observation: observation, action: action, stateCount: stateCount, steps: 4, maximumSlots: 5)
            let rollouts = (0..<4).map { RecordedActor(shape, actor: UInt32($0), slots: 1 + $0, seed: 3).rollout(version: UInt64($0)).rollout }
            let whole = try RolloutBatch(rollouts, observationSpace: observation)
            let parts = [Array(rollouts[..<1]), Array(rollouts[1..<3]), Array(rollouts[3...])]
            let joined = try RolloutBatch(concatenating: parts.map { try RolloutBatch($0, observationSpace: observation) })
            #expect(joined.parts == whole.parts && joined.slots == 10 && joined.steps == 4 && joined.keys.isEmpty && joined.burnIn == 0)
            #expect(joined.numbers(joined.observation) == whole.numbers(whole.observation))
            #expect(joined.actionNumbers == whole.actionNumbers && joined.reward.values == whole.reward.values)
            #expect(joined.behaviourLogProb.values == whole.behaviourLogProb.values)
            #expect(joined.terminated == whole.terminated && joined.truncated == whole.truncated && joined.finalIndex == whole.finalIndex)
            #expect(joined.numbers(joined.finalObservation) == whole.numbers(whole.finalObservation))
            #expect(joined.recurrentState.values == whole.recurrentState.values && joined.recurrentState.shape == [10, stateCount])
            #expect(joined.weight.values == Array(repeating: 1, count: 10) && joined.weight.shape == [10])
            #expect(joined.episodeReturns.count == whole.episodeReturns.count && joined.episodeLengths.count == whole.episodeLengths.count)
        }
    }

    /// Live and replayed sequences side by side: sources, keys, weights and final observations stay with their slots.
    @Test func liveBesideReplay() throws {
        let shape = RolloutShape(observation: .box(shape: [2]), action: .discrete(3), steps: 4, maximumSlots: 2)
        let actor = RecordedActor(shape, actor: 0, slots: 2, seed: 5, endProbability: 0.5)
        let replay = try ReplayBuffer(ReplaySettings(capacityBytes: 1 << 18, selector: .prioritized(alpha: 1)), shape: shape)
        for _ in 0..<6 { try replay.insert(actor.rollout().rollout) }
        try replay.updatePriorities(keys: [1, 2], priorities: [9, 3])
        let (fresh, at) = actor.rollout(version: 6)
        let live = try RolloutBatch([fresh], observationSpace: shape.observation)
        let old = try replay.sample(3, steps: 4).batch
        let both = try RolloutBatch(concatenating: [live, old])
        #expect(both.keys == [0, 0] + old.keys && both.weight.values == [1, 1] + old.weight.values)
        #expect(both.parts.map(\.source) == [.live, .replay, .replay, .replay] && both.parts.map(\.slots) == [0..<2, 2..<3, 3..<4, 4..<5])
        for (n, key) in old.keys.enumerated() {
            let model = actor.slots[Int(key - 1) % 2]
            #expect(both.difference(slot: n + 2, from: model, start: Int(key - 1) / 2 * 4) == nil)
        }
        // A live slot keeps the final observations of terminated steps, too.
        #expect(both.finalIndex.count == live.finalIndex.count + old.finalIndex.count)
        #expect(both.episodeReturns == live.episodeReturns && at == 24)
        #expect(both.finalIndex == both.finalIndex.sorted())
    }

    @Test func whatDiffersIsRefused() throws {
        func batch(_ observation: Space, _ action: Space, _ stateCount: Int, _ steps: Int) throws -> RolloutBatch {
            let shape = RolloutShape(observation: observation, action: action, stateCount: stateCount, steps: steps, maximumSlots: 2)
            return try RolloutBatch([RecordedActor(shape, actor: 0, slots: 2, seed: 1).rollout().rollout], observationSpace: observation)
        }
        let first = try batch(.box(shape: [2]), .discrete(3), 0, 4)
        for (other, column) in [
            (try batch(.box(shape: [2]), .discrete(3), 0, 5), "steps"), (try batch(.box(shape: [3]), .discrete(3), 0, 4), "observation"),
            (try batch(.box(shape: [2]), .box(shape: [1]), 0, 4), "action"), (try batch(.box(shape: [2]), .discrete(3), 2, 4), "recurrentState"),
        ] {
            do {
                _ = try RolloutBatch(concatenating: [first, other])
                Issue.record("accepted")
            } catch { #expect(error.column == column) }
        }
    }
}
