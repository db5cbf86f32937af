import Environments
import Platform
import Tensors

/// What is checked before it is sent or used: nothing that comes from a worker is trusted.
struct StepCheck {
    let id: String
    let observationSpace: Space
    let actionSpace: Space

    // MARK: Actions

    /// Refuses actions that lie outside the space, before any is sent.
    func actions(_ bytes: UnsafeRawBufferPointer, step: UInt64) throws(WorkerError) {
        switch actionSpace {
        case .discrete(let count):
            let actions = bytes.assumingMemoryBound(to: Int32.self)
            guard let slot = actions.firstIndex(where: { $0 < 0 || $0 >= count }) else { return }
            throw refused("\(actions[slot])", "0 to \(count - 1)", slot, step)
        case .multiDiscrete(let counts):
            let actions = bytes.assumingMemoryBound(to: Int32.self)
            for index in actions.indices {
                let count = counts[index % counts.count]
                guard actions[index] < 0 || actions[index] >= count else { continue }
                throw refused("\(actions[index]) at element \(index % counts.count)", "0 to \(count - 1)", index / counts.count, step)
            }
        case .box(_, let low, let high):
            let actions = bytes.assumingMemoryBound(to: Float.self)
            for index in actions.indices {
                let element = index % low.count
                // NaN is neither.
                guard !(actions[index] >= low[element] && actions[index] <= high[element]) || !actions[index].isFinite else { continue }
                throw refused("\(actions[index]) at element \(element)", "\(low[element]) to \(high[element])", index / low.count, step)
            }
        case .bytes: preconditionFailure("\(id): actions are no bytes")
        }
    }

    private func refused(_ value: String, _ allowed: String, _ slot: Int, _ step: UInt64) -> WorkerError {
        WorkerError(
            problem: "the action of slot \(slot) in step \(step) is \(value), the space is \(allowed)", place: "environment \(id)",
            remedy: "The policy must act in the environment's action space: it was refused before it was sent.")
    }

    // MARK: Answers

    /// The frame behind Observations.
    func first(_ frames: [SharedBytes], slots: Range<Int>) throws(WorkerFault) -> SharedBytes {
        guard frames.count == 1 else { throw .malformed("\(frames.count) frames behind Observations instead of 1") }
        let bytes = slots.count * observationSpace.byteCount
        guard frames[0].count == bytes else { throw .malformed("\(frames[0].count) bytes of observations instead of \(bytes)") }
        try frames[0].withBytes { bytes throws(WorkerFault) in
            try observations(bytes, "observation") { (slots.lowerBound + $0, "at its reset") }
        }
        return frames[0]
    }

    /// What a step has given; its sizes are right, but for that of the final observations.
    ///
    /// - Parameters:
    ///   - finalBytes: how many bytes of final observations there are.
    ///   - lengths: of the episodes so far, without this step.
    ///   - limit: no episode is longer.
    func stepped(
        _ step: StepTarget, finalBytes: Int, slots: Range<Int>, step time: UInt64, lengths: some Sequence<Int32>, _ limit: Int?
    ) throws(WorkerFault) {
        if !allFinite(UnsafeRawBufferPointer(step.rewards)) {
            let rewards = step.rewards.assumingMemoryBound(to: Float.self)
            let index = rewards.firstIndex { !$0.isFinite }!
            throw .malformed("the reward of slot \(slots.lowerBound + index) in step \(time) is \(rewards[index])")
        }
        let (terminated, truncated) = (step.terminated, step.truncated)
        var ended: [Int] = []
        var length = lengths.makeIterator()
        for index in terminated.indices {
            let slot = slots.lowerBound + index
            guard terminated[index] <= 1, truncated[index] <= 1, terminated[index] & truncated[index] == 0 else {
                throw .malformed(
                    "slot \(slot) in step \(time) is terminated \(terminated[index]) and truncated \(truncated[index]); "
                        + "flags are 0 or 1, at most one 1")
            }
            let steps = (length.next() ?? 0) + 1
            if terminated[index] | truncated[index] == 1 {
                ended.append(slot)
            } else if let limit, steps >= limit {
                throw .malformed("the episode of slot \(slot) goes on after step \(steps), the limit is \(limit)")
            }
        }
        let bytes = ended.count * observationSpace.byteCount
        guard finalBytes == bytes else {
            throw .malformed("\(finalBytes) bytes of final observations of \(ended.count) ended slots instead of \(bytes)")
        }
        try observations(UnsafeRawBufferPointer(step.observations), "observation") { (slots.lowerBound + $0, "in step \(time)") }
        try observations(UnsafeRawBufferPointer(rebasing: step.finalObservations[..<bytes]), "final observation") {
            (ended[$0], "in step \(time)")
        }
    }

    /// - Parameter place: the slot of a row, and when.
    private func observations(_ rows: UnsafeRawBufferPointer, _ what: String, place: (Int) -> (Int, String)) throws(WorkerFault) {
        func wrong(_ index: Int, _ value: String, _ allowed: String) -> WorkerFault {
            let (slot, time) = place(index / observationSpace.count)
            let element = index % observationSpace.count
            return .malformed("the \(what) of slot \(slot) \(time) is \(value) at element \(element), allowed is \(allowed)")
        }
        switch observationSpace {
        case .box:
            guard !allFinite(rows) else { return }
            let values = rows.assumingMemoryBound(to: Float.self)
            let index = values.firstIndex { !$0.isFinite }!
            throw wrong(index, "\(values[index])", "a finite number")
        case .bytes(_, let high):
            guard high < .max, let index = rows.firstIndex(where: { $0 > high }) else { return }
            throw wrong(index, "\(rows[index])", "0 to \(high)")
        case .discrete, .multiDiscrete: preconditionFailure("\(id): observations are a box or bytes")
        }
    }
}
