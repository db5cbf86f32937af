import Platform
import Rollouts
import Tensors
import Testing

@Suite struct RolloutBuilderTests {
    @Test func columnsAreWhatWasWritten() throws {
        let builder = RolloutBuilder(observation: .box(shape: [2, 3]), action: .discrete(2), steps: 4, slots: 3)
        fill(builder, terminated: [2, 10], truncated: [7])
        let rollout = builder.finish(id: number(5), version: 9)
        #expect(rollout.id == number(5) && rollout.version == 9 && rollout.steps == 4 && rollout.slots == 3 && rollout.frames == 12)
        #expect(rollout.observation.shape == [5, 3, 2, 3] && rollout.observationShape == [2, 3])
        let observation: [Float] = rollout.observation.bytes.array()
        #expect(observation[(2 * 3 + 1) * 6 + 4] == 2014 && observation.count == 90)
        #expect(rollout.action.bytes.array(of: Int32.self) == (0..<12).map { $0 % 2 })
        #expect(rollout.reward.bytes.array(of: Float.self) == (0..<12).map { Float($0) })
        #expect(rollout.behaviourLogProb.bytes.array(of: Float.self) == (0..<12).map { -Float($0) / 100 })
        #expect(rollout.terminated.bytes.array(of: UInt8.self) == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0])
        #expect(rollout.truncated.bytes.array(of: UInt8.self) == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
        #expect(rollout.finalIndex.bytes.array(of: Int32.self) == [2, 7, 10])
        #expect(rollout.finalObservation.shape == [3, 2, 3])
        #expect(rollout.finalObservation.bytes.array(of: Float.self)[6..<12].elementsEqual((0..<6).map { -Float(42 + $0) }))
        #expect(rollout.episodeReturn.bytes.array(of: Float.self) == [2.5, 7.5, 10.5])
        #expect(rollout.episodeLength.bytes.array(of: Int32.self) == [3, 8, 11])
        for column in rollout.columns { #expect(UInt(bitPattern: column.bytes.pointer) % 64 == 0, "\(column.name) is not aligned") }
        // One block: every column within its size.
        let low = rollout.columns.map { UInt(bitPattern: $0.bytes.pointer) }.min()!
        let high = rollout.columns.map { UInt(bitPattern: $0.bytes.pointer) + UInt($0.bytes.count) }.max()!
        #expect(high - low <= UInt(builder.pool.blockSize))
    }

    @Test func nextBeginsWhereThisWasCut() {
        let builder = RolloutBuilder(observation: .box(shape: [2]), action: .discrete(2), steps: 2, slots: 2)
        fill(builder)
        let first = builder.finish(id: number(1), version: 0)
        #expect(Array(builder.observation(0, as: Float.self)) == Array(first.observation.bytes.array(of: Float.self)[8...]))
        fill(builder, offset: 1)
        // The first rollout does not change any more, and ended episodes do not leak into the next one.
        #expect(first.reward.bytes.array(of: Float.self) == [0, 1, 2, 3])
        #expect(builder.finish(id: number(2), version: 0).finalIndex.elementCount == 0)
    }

    @Test func steadyStateAllocatesNothing() {
        let builder = RolloutBuilder(observation: .box(shape: [4]), action: .discrete(2), steps: 5, slots: 8, kept: 4)
        var inFlight: [Rollout] = []
        for sequence in 1...200 {
            fill(builder, terminated: [3])
            inFlight.append(builder.finish(id: number(UInt64(sequence)), version: 0))
            if inFlight.count == 4 { inFlight.removeFirst() }
        }
        #expect(builder.pool.allocations == 5)
        // A burst is freed again down to the limit.
        for sequence in 201...220 { inFlight.append(builder.finish(id: number(UInt64(sequence)), version: 0)) }
        inFlight = []
        let burst = builder.pool.allocations
        for sequence in 221...225 { inFlight.append(builder.finish(id: number(UInt64(sequence)), version: 0)) }
        #expect(builder.pool.allocations == burst + 1)
    }

    @Test func oneColumnKeepsTheBlock() {
        let builder = RolloutBuilder(observation: .box(shape: [1]), action: .discrete(2), steps: 1, slots: 1, kept: 1)
        fill(builder)
        var rollout: Rollout? = builder.finish(id: number(1), version: 0)
        var kept: Column? = rollout!.reward
        rollout = nil
        _ = builder.finish(id: number(2), version: 0)
        #expect(builder.pool.allocations == 3)
        #expect(kept!.bytes.array(of: Float.self) == [0])
        kept = nil
        _ = builder.finish(id: number(3), version: 0)
        #expect(builder.pool.allocations == 3)
    }

    @Test func rolloutsOutliveTheirBuilderOnOtherThreads() {
        var builder: RolloutBuilder? = RolloutBuilder(observation: .box(shape: [3]), action: .discrete(2), steps: 8, slots: 2)
        let rollouts = (1...20).map { sequence in
            fill(builder!, offset: Float(sequence))
            return builder!.finish(id: number(UInt64(sequence)), version: 0)
        }
        builder = nil
        let sum = Guarded(Float(0))
        let threads = rollouts.map { rollout in
            WorkThread("reader") { sum.update { $0 += rollout.reward.bytes.array(of: Float.self)[0] } }
        }
        threads.forEach { $0.join() }
        #expect(sum.read { $0 } == 210)
    }
}
