/// A replay at one moment, to be written by another thread while the replay goes on: what was stored never changes and is shared, only the
/// counts of uses and the priorities are copied (8 bytes a sequence, once the replay changes them). While it lives the segments that the
/// replay evicts keep their memory.
public struct ReplaySnapshot: Sendable {
    /// What a restored replay needs beside the sequences to draw the same samples.
    struct State: Sendable, Equatable {
        var firstKey, nextKey, cursor, sampleCalls: UInt64
        var counters: RateLimiter.Counters
        var maximumPriority: Float
        var staleUpdates: Int
    }

    let layout: SequenceLayout
    let segments: [ReplaySegment]
    let state: State
    private let uses: [UInt32]
    private let priorities: [Float]

    fileprivate init(_ buffer: ReplayBuffer) {
        layout = buffer.capacity.layout
        segments = buffer.segments
        uses = buffer.items.uses
        priorities = buffer.items.priorities
        state = buffer.state
    }

    /// Bytes of all sequences.
    public var byteCount: Int {
        segments.reduce(0) { $0 + $1.count * layout.size + $1.finalCount * layout.observationBytes }
    }

    /// The index file: uses (u32) and priority (f32) of each sequence, in the order of the keys, little-endian.
    func index() -> [UInt8] {
        let count = Int(state.nextKey - state.firstKey)
        return [UInt8](unsafeUninitializedCapacity: 8 * count) { buffer, filled in
            let base = UnsafeMutableRawPointer(buffer.baseAddress!)
            for (row, key) in (state.firstKey..<state.nextKey).enumerated() {
                let place = Int(key % UInt64(uses.count))
                base.storeBytes(of: uses[place], toByteOffset: 8 * row, as: UInt32.self)
                base.storeBytes(of: priorities[place], toByteOffset: 8 * row + 4, as: Float.self)
            }
            filled = 8 * count
        }
    }
}

extension ReplayBuffer {
    /// Everything as it is now, at the cost of a few references.
    public func snapshot() -> ReplaySnapshot { ReplaySnapshot(self) }

    fileprivate var state: ReplaySnapshot.State {
        ReplaySnapshot.State(
            firstKey: firstKey, nextKey: nextKey, cursor: cursor, sampleCalls: sampleCalls, counters: limiter.counters,
            maximumPriority: maximumPriority, staleUpdates: staleUpdates)
    }
}
