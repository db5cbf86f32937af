import Glibc
import Platform
import Tensors

/// A window of a stored sequence: some steps of its predecessor's record, if it begins before its own, and some of its own.
struct ReplayWindow {
    /// Steps of one record that follow one another.
    struct Run {
        let record: UnsafeRawPointer
        /// In the record.
        let from: Int
        let count: Int
        /// The window's step at which they stand.
        let at: Int
        let segment: Int
    }

    /// n
    let slot: Int
    let header: SequenceHeader
    let first: Run
    let second: Run?

    func forEachRun(_ body: (Run) -> Void) {
        body(first)
        if let second { body(second) }
    }
}

extension ReplayBuffer {
    func window(_ key: UInt64, slot: Int, start: Int, steps: Int) -> ReplayWindow {
        let (layout, overlap) = (capacity.layout, settings.sequenceOverlap)
        let own = segment(of: key)
        let record = UnsafeRawPointer(segments[own].record(key, layout))
        guard let header = SequenceHeader(record) else { preconditionFailure("the record of sequence \(key) was overwritten") }
        let before = min(max(overlap - start, 0), steps)
        let ownRun = ReplayWindow.Run(record: record, from: max(start - overlap, 0), count: steps - before, at: before, segment: own)
        guard before > 0 else { return ReplayWindow(slot: slot, header: header, first: ownRun, second: nil) }
        let predecessor = key - UInt64(header.predecessorDistance)
        let other = segment(of: predecessor)
        let run = ReplayWindow.Run(
            record: UnsafeRawPointer(segments[other].record(predecessor, layout)), from: layout.steps - overlap + start, count: before, at: 0,
            segment: other)
        return ReplayWindow(slot: slot, header: header, first: run, second: before < steps ? ownRun : nil)
    }

    /// Copies windows side by side.
    func batch(_ windows: [ReplayWindow], keys: [UInt64], steps: Int, burnIn: Int, weights: [Float]) -> RolloutBatch {
        let (layout, slots) = (capacity.layout, windows.count)
        /// A column whose elements have `width` bytes; the last run has `extra` more rows.
        func gather(_ offset: Int, width: Int, extra: Int = 0, into target: UnsafeMutableRawPointer) {
            for window in windows {
                window.forEachRun { run in
                    let source = run.record + offset + run.from * width
                    let isLast = run.at + run.count == steps
                    let target = target + (run.at * slots + window.slot) * width
                    for t in 0..<run.count + (isLast ? extra : 0) { memcpy(target + t * slots * width, source + t * width, width) }
                }
            }
        }
        func scalars<Element: BitwiseCopyable>(_ offset: Int, into target: UnsafeMutablePointer<Element>) {
            for window in windows {
                window.forEachRun { run in
                    let source = (run.record + offset).assumingMemoryBound(to: Element.self) + run.from
                    let target = target + run.at * slots + window.slot
                    for t in 0..<run.count { target[t * slots] = source[t] }
                }
            }
        }
        func tensor(_ offset: Int) -> Tensor { Tensor([steps, slots]) { scalars(offset, into: $0.baseAddress!) } }
        func flags(_ offset: Int) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: steps * slots) { buffer, count in
                scalars(offset, into: buffer.baseAddress!)
                count = steps * slots
            }
        }
        let width = layout.actionBytes
        let action: Actions =
            layout.actionSpace.elementType == .float32
            ? .vectors(
                Tensor([steps * slots, width / 4]) {
                    gather(layout.action, width: width, into: UnsafeMutableRawPointer($0.baseAddress!))
                })
            : .choices(
                [Int32](unsafeUninitializedCapacity: steps * slots * width / 4) { buffer, count in
                    gather(layout.action, width: width, into: UnsafeMutableRawPointer(buffer.baseAddress!))
                    count = steps * slots * width / 4
                })
        let finals = finals(of: windows)
        return RolloutBatch(
            steps: steps, slots: slots,
            parts: windows.map {
                RolloutBatch.Part(
                    id: $0.header.id, version: $0.header.version, slots: $0.slot..<$0.slot + 1,
                    source: isReadOnly ? .dataset : $0.header.source)
            },
            observation: observations(count: (steps + 1) * slots) {
                gather(layout.observation, width: layout.observationBytes, extra: 1, into: $0)
            },
            action: action, behaviourLogProb: tensor(layout.behaviourLogProb), reward: tensor(layout.reward),
            terminated: flags(layout.terminated), truncated: flags(layout.truncated), finalIndex: finals.map(\.index),
            finalObservation: Observations(count: finals.count, layout.observationSpace) { target in
                for (row, final) in finals.enumerated() {
                    memcpy(target + row * layout.observationBytes, final.observation, layout.observationBytes)
                }
            },
            episodeReturns: [], episodeLengths: [],
            recurrentState: Tensor([slots, layout.stateCount]) { target in
                guard layout.stateCount > 0 else { return }
                for window in windows {
                    memcpy(
                        target.baseAddress! + window.slot * layout.stateCount, window.first.record + layout.recurrentState,
                        layout.stateCount * 4)
                }
            },
            behaviourPolicy: Tensor([steps * slots, layout.policyCount]) { target in
                guard layout.policyCount > 0 else { return }
                gather(layout.behaviourPolicy, width: layout.policyCount * 4, into: UnsafeMutableRawPointer(target.baseAddress!))
            },
            weight: Tensor(weights, [slots]), keys: keys, burnIn: burnIn)
    }

    /// The final observations of the truncated steps in the windows, in the order of the batch.
    private func finals(of windows: [ReplayWindow]) -> [(index: Int32, observation: UnsafeRawPointer)] {
        var finals: [(index: Int32, observation: UnsafeRawPointer)] = []
        for window in windows {
            window.forEachRun { run in
                guard let header = SequenceHeader(run.record), header.finalCount > 0 else { return }
                let flags = (run.record + capacity.layout.truncated).assumingMemoryBound(to: UInt8.self)
                var row = Int(header.firstFinal)
                for t in 0..<run.from + run.count where flags[t] != 0 {
                    defer { row += 1 }
                    guard t >= run.from else { continue }
                    let index = (run.at + t - run.from) * windows.count + window.slot
                    finals.append((Int32(index), UnsafeRawPointer(segments[run.segment].final(row, capacity.layout))))
                }
            }
        }
        return finals.sorted { $0.index < $1.index }
    }

    /// Rows in memory that is used again for the next sample: fresh pages for large images cost as much as copying them.
    private func observations(count: Int, filling fill: (UnsafeMutableRawPointer) -> Void) -> Observations {
        let space = capacity.layout.observationSpace
        guard space.elementType == .uint8 else { return Observations(count: count, space, filling: fill) }
        let size = count * space.byteCount
        if samplePool.blockSize != size { samplePool = RolloutPool(blockSize: size, kept: 2) }
        let block = samplePool.take()
        fill(block)
        return Observations(SharedBytes(block, count: size) { [samplePool] in samplePool.give($0) }, space)
    }
}
