import Glibc
import Platform
import Tensors

extension ReplayBuffer {
    /// Whether the rate limiter lets so many sequences in: one for each slot of a rollout.
    public func canInsert(_ count: Int) -> Bool { blocked(inserting: count) == nil }

    /// For how many samples an insert of so many sequences waits; nil when it does not.
    public func blocked(inserting count: Int) -> RateLimiter.Block? { limiter.blocked(inserting: count) }

    /// Stores every slot of a validated rollout as one sequence, each one copied. What stands in the way is evicted.
    ///
    /// - Parameters:
    ///   - source: what batches will say about the sequences.
    ///   - priorities: one for each slot, finite and from 0 on; without, the largest priority so far.
    /// - Throws: `RolloutError` for a rollout of another shape, `ReplayError` for bad priorities, for a dataset and when the rate limiter
    ///   does not let it in: then nothing was stored. `FileError` when there is no memory or disk for a segment: slots before may be in.
    public func insert(_ rollout: Rollout, source: DataSource = .replay, priorities: [Float]? = nil) throws {
        guard !isReadOnly else {
            throw ReplayError(.readOnly, "a dataset takes nothing in", place: "rollout \(rollout.id)", remedy: "Insert into a replay.")
        }
        try rollout.checkShapes(shape)
        if let block = blocked(inserting: rollout.slots) {
            throw ReplayError(.blocked, "\(block)", place: "rollout \(rollout.id)", remedy: "Ask canInsert first, and sample meanwhile.")
        }
        if let priorities { try check(priorities, of: "slot", Array(0..<UInt64(rollout.slots))) }
        let finals = try rollout.truncatedRows()
        var records: [UnsafeMutableRawPointer] = []
        // Also those that were placed before an error. The capacity keeps a whole rollout from being evicted by its own end.
        defer { capacity.layout.copy(rollout, to: records) }
        for slot in 0..<rollout.slots {
            let place = try append(
                SequenceHeader(id: rollout.id, version: rollout.version, slot: UInt32(slot), source: source), finals: finals[slot].count)
            records.append(place.record)
            copyFinals(finals[slot], place.header)
            if let priorities { maximumPriority = max(maximumPriority, priorities[slot]) }
            addItem(place.key, predecessorDistance: place.header.predecessorDistance, priority: priorities?[slot] ?? maximumPriority)
            if items.isLive(place.key) { limiter.counters.inserts += 1 }
        }
    }

    /// Gives sequences new priorities, in the order given. Keys of sequences that are gone are counted in `staleUpdates` and passed over,
    /// as is the key 0 of slots that come from no replay.
    ///
    /// - Throws: `ReplayError` that names the first key whose priority is negative, infinite or NaN: then nothing has changed.
    public func updatePriorities(keys: [UInt64], priorities: [Float]) throws(ReplayError) {
        try check(priorities, of: "key", keys)
        for (key, priority) in zip(keys, priorities) where key != 0 {
            guard contains(key) else {
                staleUpdates += 1
                continue
            }
            items.setPriority(key, priority)
            maximumPriority = max(maximumPriority, priority)
        }
    }

    private func check(_ priorities: [Float], of name: String, _ keys: [UInt64]) throws(ReplayError) {
        precondition(priorities.count == keys.count, "\(priorities.count) priorities for \(keys.count) sequences")
        for (key, priority) in zip(keys, priorities) where !(priority >= 0 && priority.isFinite) {
            throw ReplayError(
                .priority, "a priority of \(priority)", place: "\(name) \(key)",
                remedy: "Priorities are finite and from 0 on; look for what made the temporal difference.")
        }
    }
}

extension Rollout {
    /// For each slot the final observations of its truncated steps, in the order of the steps.
    fileprivate func truncatedRows() throws(RolloutError) -> [[UnsafeRawPointer]] {
        var rows: [[UnsafeRawPointer]] = Array(repeating: [], count: slots)
        var last: Int32 = -1
        var found = 0
        for row in 0..<finalIndex.elementCount {
            let index = finalIndex.element(row, Int32.self)
            guard index > last, index < frames else { throw unvalidated("element \(row) is \(index) of \(frames) steps") }
            last = index
            guard truncated.element(Int(index), UInt8.self) != 0 else { continue }
            rows[Int(index) % slots].append(finalObservation.bytes.pointer + row * (finalObservation.bytes.count / finalIndex.elementCount))
            found += 1
        }
        let flagged = truncated.bytes.withBytes { $0.reduce(0) { $0 + ($1 == 0 ? 0 : 1) } }
        guard flagged == found else { throw unvalidated("\(found) of \(flagged) truncated steps have a final observation") }
        return rows
    }

    private func unvalidated(_ problem: String) -> RolloutError {
        RolloutError(id, finalIndex.name, problem, remedy: "Validate rollouts before they are stored.")
    }
}

extension SequenceLayout {
    /// The first slots of a rollout, every column, into one record each.
    fileprivate func copy(_ rollout: Rollout, to records: [UnsafeMutableRawPointer]) {
        let slots = rollout.slots
        /// Some steps of every slot before the next steps, so that a part of the column is read that caches hold.
        func forEachBlock(_ count: Int, _ body: (_ record: UnsafeMutableRawPointer, _ slot: Int, _ steps: Range<Int>) -> Void) {
            for start in stride(from: 0, to: count, by: 16) {
                let steps = start..<min(start + 16, count)
                for (slot, record) in records.enumerated() { body(record, slot, steps) }
            }
        }
        func scalars<Element: BitwiseCopyable>(_ column: Column, _ offset: Int, _ type: Element.Type) {
            let stride = MemoryLayout<Element>.stride
            column.bytes.withBytes { bytes in
                forEachBlock(steps) { record, slot, steps in
                    let target = (record + offset).assumingMemoryBound(to: type)
                    for t in steps { target[t] = bytes.loadUnaligned(fromByteOffset: (t * slots + slot) * stride, as: type) }
                }
            }
        }
        func rows(_ column: Column, _ offset: Int, width: Int, count: Int) {
            guard width > 0 else { return }
            column.bytes.withBytes { bytes in
                forEachBlock(count) { record, slot, steps in
                    for t in steps { memcpy(record + offset + t * width, bytes.baseAddress! + (t * slots + slot) * width, width) }
                }
            }
        }
        rows(rollout.recurrentState, recurrentState, width: 4 * stateCount, count: 1)
        scalars(rollout.behaviourLogProb, behaviourLogProb, UInt32.self)
        scalars(rollout.reward, reward, UInt32.self)
        scalars(rollout.terminated, terminated, UInt8.self)
        scalars(rollout.truncated, truncated, UInt8.self)
        if actionBytes == 4 {
            scalars(rollout.action, action, UInt32.self)
        } else {
            rows(rollout.action, action, width: actionBytes, count: steps)
        }
        if policyCount > 0 { rows(rollout.behaviourPolicy, behaviourPolicy, width: policyCount * 4, count: steps) }
        rows(rollout.observation, observation, width: observationBytes, count: steps + 1)
    }
}
