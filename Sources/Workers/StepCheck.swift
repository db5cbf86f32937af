import Environments
import Platform
import Tensors

/// What is checked before it is sent or used: nothing that comes from a worker is trusted.
struct StepCheck {
    let id: String
    let observationSpace: Space
    let actionSpace: Space

    /// What a step has given, checked.
    struct Stepped {
        var observations: SharedBytes
        var rewards: SharedBytes
        var terminated: SharedBytes
        var truncated: SharedBytes
        /// Of the slots whose episode ended, in order.
        var finalObservations: SharedBytes
    }

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
        try size(frames[0], "observations", slots.count * observationSpace.byteCount)
        try observations(frames[0], "observation") { (slots.lowerBound + $0, "at its reset") }
        return frames[0]
    }

    /// The frames behind Stepped.
    ///
    /// - Parameters:
    ///   - lengths: of the episodes so far, without this step.
    ///   - limit: no episode is longer.
    func stepped(
        _ frames: [SharedBytes], slots: Range<Int>, step: UInt64, lengths: some Sequence<Int32>, _ limit: Int?
    ) throws(WorkerFault) -> Stepped {
        guard frames.count == 5 else { throw .malformed("\(frames.count) frames behind Stepped instead of 5") }
        let stepped = Stepped(
            observations: frames[0], rewards: frames[1], terminated: frames[2], truncated: frames[3], finalObservations: frames[4])
        try size(frames[0], "observations", slots.count * observationSpace.byteCount)
        try size(frames[1], "rewards", slots.count * 4)
        try size(frames[2], "terminated", slots.count)
        try size(frames[3], "truncated", slots.count)
        if !frames[1].withBytes(allFinite) {
            let rewards = frames[1].array(of: Float.self)
            let index = rewards.firstIndex { !$0.isFinite }!
            throw .malformed("the reward of slot \(slots.lowerBound + index) in step \(step) is \(rewards[index])")
        }
        let (terminated, truncated) = (frames[2].array(of: UInt8.self), frames[3].array(of: UInt8.self))
        var ended: [Int] = []
        var length = lengths.makeIterator()
        for index in terminated.indices {
            let slot = slots.lowerBound + index
            guard terminated[index] <= 1, truncated[index] <= 1, terminated[index] & truncated[index] == 0 else {
                throw .malformed(
                    "slot \(slot) in step \(step) is terminated \(terminated[index]) and truncated \(truncated[index]); "
                        + "flags are 0 or 1, at most one 1")
            }
            let steps = (length.next() ?? 0) + 1
            if terminated[index] | truncated[index] == 1 {
                ended.append(slot)
            } else if let limit, steps >= limit {
                throw .malformed("the episode of slot \(slot) goes on after step \(steps), the limit is \(limit)")
            }
        }
        try size(frames[4], "final observations of \(ended.count) ended slots", ended.count * observationSpace.byteCount)
        try observations(frames[0], "observation") { (slots.lowerBound + $0, "in step \(step)") }
        try observations(frames[4], "final observation") { (ended[$0], "in step \(step)") }
        return stepped
    }

    private func size(_ frame: SharedBytes, _ what: String, _ bytes: Int) throws(WorkerFault) {
        guard frame.count != bytes else { return }
        throw .malformed("\(frame.count) bytes of \(what) instead of \(bytes)")
    }

    /// - Parameter place: the slot of a row, and when.
    private func observations(_ frame: SharedBytes, _ what: String, place: (Int) -> (Int, String)) throws(WorkerFault) {
        func wrong(_ index: Int, _ value: String, _ allowed: String) -> WorkerFault {
            let (slot, time) = place(index / observationSpace.count)
            let element = index % observationSpace.count
            return .malformed("the \(what) of slot \(slot) \(time) is \(value) at element \(element), allowed is \(allowed)")
        }
        switch observationSpace {
        case .box:
            guard !frame.withBytes(allFinite) else { return }
            let values = frame.array(of: Float.self)
            let index = values.firstIndex { !$0.isFinite }!
            throw wrong(index, "\(values[index])", "a finite number")
        case .bytes(_, let high):
            guard high < .max, let index = frame.withBytes({ $0.firstIndex { $0 > high } }) else { return }
            throw wrong(index, "\(frame.array(of: UInt8.self)[index])", "0 to \(high)")
        case .discrete, .multiDiscrete: preconditionFailure("\(id): observations are a box or bytes")
        }
    }
}
