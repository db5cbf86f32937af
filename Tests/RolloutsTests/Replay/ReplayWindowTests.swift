import Platform
import Rollouts
import Tensors
import Testing

/// Every sample against the model's lists.
@Suite struct ReplayWindowTests {
    private func shape(_ random: inout Dice, memory: Bool) -> RolloutShape {
        let observation: Space = Bool.random(using: &random) ? .box(shape: [3]) : .bytes(shape: [2, 3], high: 255)
        let action = [Space.discrete(3), .multiDiscrete([3, 3]), .box(shape: [2])].randomElement(using: &random)!
        return RolloutShape(
            observation: observation, action: action, stateCount: memory ? 4 : 0, steps: Int.random(in: 1...7, using: &random), maximumSlots: 4)
    }

    /// Random rollouts of several actors, some of which are lost or restart; random windows. Each step, flag and final observation is
    /// the recorded one, whatever was evicted meanwhile.
    @Test func windowsAreWhatWasRecorded() throws {
        var random = Dice(state: 77)
        var (crossed, cut) = (0, 0)
        for round in 0..<60 {
            let memory = round % 3 == 0
            let shape = shape(&random, memory: memory)
            let overlap = memory ? [0, shape.steps].randomElement(using: &random)! : Int.random(in: 0...shape.steps, using: &random)
            let folder = "/tmp/apus-replay-\(UInt32.random(in: 0 ... .max))"
            defer { try? Files.remove(folder) }
            let replay = try ReplayBuffer(
                ReplaySettings(
                    capacityBytes: Int.random(in: 60_000...200_000, using: &random), sequenceOverlap: overlap,
                    selector: [.fifo, .uniform, .prioritized(alpha: 0.6)].randomElement(using: &random)!,
                    storage: round % 4 == 1 ? .disk(directory: folder) : .memory, seed: random.next()),
                shape: shape)
            let actors = (0..<3).map {
                RecordedActor(shape, actor: UInt32($0), slots: Int.random(in: 1...4, using: &random), seed: random.next(), endProbability: 0.3)
            }
            // By key: who, which slot, and the model's step at which its rollout began.
            var keys: [UInt64: (actor: Int, slot: Int, at: Int, version: UInt64, isWhole: Bool)] = [:]
            var (previous, next) = ([Int](repeating: -1, count: 3), UInt64(1))
            for insert in 0..<Int.random(in: 40...300, using: &random) {
                let index = Int.random(in: 0..<3, using: &random)
                if Int.random(in: 0..<20, using: &random) == 0 {
                    actors[index].restart()
                    previous[index] = -1
                }
                let (rollout, at) = actors[index].rollout(version: UInt64(insert))
                guard Int.random(in: 0..<10, using: &random) > 0 else { continue }
                try replay.insert(rollout)
                for slot in 0..<rollout.slots {
                    keys[next] = (index, slot, at, UInt64(insert), overlap == 0 || previous[index] == at - shape.steps && at > 0)
                    next += 1
                }
                previous[index] = at
                let count = Int.random(in: 1...4, using: &random)
                guard replay.canSample(count) else { continue }
                let steps = memory ? replay.sequenceSteps : Int.random(in: 1...replay.sequenceSteps, using: &random)
                let sample = try replay.sample(count, steps: steps, burnIn: steps / 2)
                #expect(sample.batch.steps == steps && sample.batch.slots == count && sample.batch.burnIn == steps / 2)
                #expect(sample.batch.finalIndex.allSatisfy { sample.batch.truncated[Int($0)] == 1 } && sample.batch.episodeReturns.isEmpty)
                for n in 0..<count {
                    let (key, part) = (sample.batch.keys[n], sample.batch.parts[n])
                    let origin = try #require(keys[key])
                    let start = origin.at - overlap + sample.starts[n]
                    let model = actors[origin.actor].slots[origin.slot]
                    #expect(origin.isWhole && part.slots == n..<n + 1 && part.source == .replay && part.version == origin.version)
                    if let difference = sample.batch.difference(slot: n, from: model, start: start) {
                        Issue.record("round \(round), key \(key): \(difference)")
                        return
                    }
                    if memory {
                        let state = sample.batch.recurrentState.values[n * 4..<(n + 1) * 4]
                        #expect(Array(state) == model.states[start])
                    }
                    crossed += start < origin.at && start + steps > origin.at ? 1 : 0
                    cut += sample.batch.finalIndex.count
                }
            }
            for key in 1..<next where replay.contains(key) { #expect(keys[key]!.isWhole) }
            #expect((1..<next).filter(replay.contains).count == replay.count)
        }
        #expect(crossed > 500 && cut > 500)
    }

    /// Whole sequences that overlap, laid end to end, are the recording of a whole run of one slot.
    @Test func overlappingSequencesCoverTheRecording() throws {
        let shape = RolloutShape(observation: .box(shape: [2]), action: .discrete(3), steps: 4, maximumSlots: 1)
        for overlap in 1...4 {
            let replay = try ReplayBuffer(
                ReplaySettings(capacityBytes: 1 << 18, sequenceOverlap: overlap, selector: .fifo), shape: shape)
            let actor = RecordedActor(shape, actor: 0, slots: 1, seed: 8)
            for _ in 0..<12 { try replay.insert(actor.rollout().rollout) }
            #expect(replay.count == 11 && replay.sequenceSteps == 4 + overlap)
            let batch = try replay.sample(11, steps: 4 + overlap).batch
            for n in 0..<11 { #expect(batch.difference(slot: n, from: actor.slots[0], start: 4 * (n + 1) - overlap) == nil) }
        }
    }

    /// A window of one step that was truncated: its successor is the final observation, the row behind it the next episode's first one.
    @Test func singleStepsAtEpisodeEnds() throws {
        let shape = RolloutShape(observation: .box(shape: [1]), action: .discrete(3), steps: 5, maximumSlots: 2)
        let replay = try ReplayBuffer(ReplaySettings(capacityBytes: 1 << 18), shape: shape)
        let actor = RecordedActor(shape, actor: 0, slots: 2, seed: 8, endProbability: 0.6)
        for _ in 0..<10 { try replay.insert(actor.rollout().rollout) }
        var seen = Set<UInt8>()
        for _ in 0..<300 {
            let sample = try replay.sample(1, steps: 1)
            let key = Int(sample.batch.keys[0]) - 1
            #expect(sample.batch.difference(slot: 0, from: actor.slots[key % 2], start: key / 2 * 5 + sample.starts[0]) == nil)
            seen.insert(sample.batch.truncated[0] * 2 + sample.batch.terminated[0])
        }
        #expect(seen == [0, 1, 2])
    }

    @Test func windowsThatThereAreNotAreRefused() throws {
        let replay = try ReplaySamplingTests.replay(5, ReplaySettings(capacityBytes: 1 << 18))
        for (steps, burnIn) in [(0, 0), (3, 0), (2, 2), (2, -1)] {
            #expect(throws: ReplayError.self) { try replay.sample(1, steps: steps, burnIn: burnIn) }
        }
        let shape = RolloutShape(observation: .box(shape: [1]), action: .discrete(3), stateCount: 2, steps: 4, maximumSlots: 1)
        let memory = try ReplayBuffer(ReplaySettings(capacityBytes: 1 << 18), shape: shape)
        try memory.insert(RecordedActor(shape, actor: 0, slots: 1, seed: 1).rollout().rollout)
        #expect(throws: ReplayError.self) { try memory.sample(1, steps: 3) }
        #expect(throws: ReplayError.self) { try ReplayBuffer(ReplaySettings(capacityBytes: 1 << 18, sequenceOverlap: 2), shape: shape) }
    }

    /// What was not validated stops at the door, whole.
    @Test func badRolloutsAreRefused() throws {
        let replay = try ReplayBuffer(ReplaySettings(capacityBytes: 1 << 18), shape: ReplaySamplingTests.shape)
        let builder = RolloutBuilder(observation: .box(shape: [1]), action: .discrete(3), steps: 2, slots: 2)
        fill(builder, truncated: [1])
        let good = builder.finish(id: number(1), version: 0)
        for bad in [
            good.replacing("reward", shape: [2, 1]), good.replacing("finalIndex") { $0.storeBytes(of: 99, as: Int32.self) },
            good.replacing("finalIndex") { $0.storeBytes(of: 0, as: Int32.self) }, good.replacing("truncated") { $0[0] = 1 },
        ] {
            #expect(throws: RolloutError.self) { try replay.insert(bad) }
        }
        #expect(replay.storedCount == 0)
        try replay.insert(good.misaligned)
        #expect(replay.count == 2)
    }
}
