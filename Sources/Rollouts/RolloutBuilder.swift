import Platform
import Tensors

/// Where an actor writes its rollouts: every column in place, in one block of memory that becomes the rollout without a copy.
///
/// Use, for T steps: write row 0 of the observations once (`Slots.reset`), then for t in 0 ..< T the rows t of the other columns and row
/// t + 1 of the observations, `appendEnded` for episodes that ended, and `finish`. The next rollout begins where this one was cut: `finish`
/// carries the last row of observations over. Belongs to one thread; the rollouts may go anywhere.
public final class RolloutBuilder {
    public let observationSpace: Space
    public let actionSpace: Space
    /// S: the numbers of a slot's recurrent state.
    public let stateCount: Int
    /// P: the numbers of a step's behaviour policy that are kept.
    public let policyCount: Int
    /// T
    public let steps: Int
    /// B
    public let slots: Int
    public let pool: RolloutPool

    private let layout: Layout
    private var block: UnsafeMutableRawPointer
    private var ended = 0

    /// - Parameters:
    ///   - stateCount: the numbers of a slot's recurrent state; 0 for a network without memory.
    ///   - policyCount: the numbers that describe the policy of a step; 0: they are not kept.
    ///   - kept: how many unused blocks stay allocated; the actor's credits plus one keep the steady state free of allocations.
    public init(observation: Space, action: Space, stateCount: Int = 0, policyCount: Int = 0, steps: Int, slots: Int, kept: Int = 8) {
        precondition(steps > 0 && slots > 0, "a rollout of \(steps) steps × \(slots) slots holds nothing")
        observationSpace = observation
        actionSpace = action
        self.stateCount = stateCount
        self.policyCount = policyCount
        self.steps = steps
        self.slots = slots
        layout = Layout(
            observationBytes: observation.byteCount, actionBytes: action.byteCount, stateCount: stateCount, policyCount: policyCount,
            steps: steps, slots: slots)
        pool = RolloutPool(blockSize: layout.size, kept: kept)
        block = pool.take()
    }

    deinit { pool.give(block) }

    /// Row t of the observations, [B] + observation shape, for t in 0 ... T.
    public func observation(_ t: Int) -> UnsafeMutableRawBufferPointer {
        precondition(t >= 0 && t <= steps, "observation row \(t) of \(steps + 1)")
        let width = slots * layout.observationBytes
        return UnsafeMutableRawBufferPointer(start: block + layout.observation + t * width, count: width)
    }
    /// The same as the scalars that the observation space is made of.
    public func observation<Scalar: BitwiseCopyable>(_ t: Int, as type: Scalar.Type) -> UnsafeMutableBufferPointer<Scalar> {
        let stored = observationSpace.elementType
        precondition(MemoryLayout<Scalar>.stride == stored.byteCount, "observations are \(stored)")
        return observation(t).assumingMemoryBound(to: type)
    }
    /// Row t of the actions, [B] + action shape.
    public func action(_ t: Int) -> UnsafeMutableRawBufferPointer {
        precondition(t >= 0 && t < steps, "row \(t) of \(steps)")
        let width = slots * layout.actionBytes
        return UnsafeMutableRawBufferPointer(start: block + layout.action + t * width, count: width)
    }
    /// The same as the scalars that the action space is made of.
    public func action<Scalar: BitwiseCopyable>(_ t: Int, as type: Scalar.Type) -> UnsafeMutableBufferPointer<Scalar> {
        precondition(MemoryLayout<Scalar>.stride == actionSpace.elementType.byteCount, "actions are \(actionSpace.elementType)")
        return action(t).assumingMemoryBound(to: type)
    }
    /// The recurrent state with which the slots enter the rollout, [B, S].
    public var recurrentState: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: at(layout.recurrentState, Float.self), count: slots * stateCount)
    }
    /// Row t of log μ(a | o), [B].
    public func behaviourLogProb(_ t: Int) -> UnsafeMutableBufferPointer<Float> { row(t, layout.behaviourLogProb) }
    /// Row t of the behaviour policy's numbers, [B, P].
    public func behaviourPolicy(_ t: Int) -> UnsafeMutableBufferPointer<Float> {
        precondition(t >= 0 && t < steps, "row \(t) of \(steps)")
        let width = slots * policyCount
        return UnsafeMutableBufferPointer(start: at(layout.behaviourPolicy, Float.self) + t * width, count: width)
    }
    /// Row t of the rewards, [B].
    public func reward(_ t: Int) -> UnsafeMutableBufferPointer<Float> { row(t, layout.reward) }
    /// Row t of the termination flags, [B], 0 or 1.
    public func terminated(_ t: Int) -> UnsafeMutableBufferPointer<UInt8> { row(t, layout.terminated) }
    /// Row t of the truncation flags, [B], 0 or 1.
    public func truncated(_ t: Int) -> UnsafeMutableBufferPointer<UInt8> { row(t, layout.truncated) }

    /// Records that step t of a slot ended an episode. Call it in the order of the steps, and of the slots within a step.
    public func appendEnded(
        step: Int, slot: Int, finalObservation: UnsafeRawBufferPointer, episodeReturn: Float, length: Int32
    ) {
        let width = layout.observationBytes
        precondition(
            step >= 0 && step < steps && slot >= 0 && slot < slots, "step \(step), slot \(slot) of a rollout of \(steps) × \(slots)")
        precondition(finalObservation.count == width, "a final observation of \(finalObservation.count) bytes in place of \(width)")
        let index = Int32(step * slots + slot)
        let indices = at(layout.finalIndex, Int32.self)
        precondition(ended == 0 || indices[ended - 1] < index, "ended episodes must come in the order of steps and slots")
        indices[ended] = index
        (block + layout.finalObservation + ended * width).copyMemory(from: finalObservation.baseAddress!, byteCount: width)
        at(layout.episodeReturn, Float.self)[ended] = episodeReturn
        at(layout.episodeLength, Int32.self)[ended] = length
        ended += 1
    }

    /// The rollout that was written. Its columns are parts of the block, which returns to the pool when the last of them goes away.
    public func finish(id: RolloutID, version: UInt64, life: UInt32 = 0) -> Rollout {
        let whole = SharedBytes(block, count: layout.size) { [pool] in pool.give($0) }
        let lastRow = observation(steps)
        block = pool.take()
        observation(0).copyMemory(from: UnsafeRawBufferPointer(lastRow))
        let count = ended
        ended = 0

        func column(_ name: String, _ type: ElementType, _ shape: [Int], _ offset: Int) -> Column {
            Column(name, type, shape, SharedBytes(whole, offset: offset, count: shape.reduce(type.byteCount, *)))
        }
        return Rollout(
            id: id, version: version, life: life, steps: steps, slots: slots,
            observation: column(
                "observation", observationSpace.elementType, [steps + 1, slots] + observationSpace.shape, layout.observation),
            action: column("action", actionSpace.elementType, [steps, slots] + actionSpace.shape, layout.action),
            behaviourLogProb: column("behaviourLogProb", .float32, [steps, slots], layout.behaviourLogProb),
            reward: column("reward", .float32, [steps, slots], layout.reward),
            terminated: column("terminated", .uint8, [steps, slots], layout.terminated),
            truncated: column("truncated", .uint8, [steps, slots], layout.truncated),
            finalIndex: column("finalIndex", .int32, [count], layout.finalIndex),
            finalObservation: column(
                "finalObservation", observationSpace.elementType, [count] + observationSpace.shape, layout.finalObservation),
            episodeReturn: column("episodeReturn", .float32, [count], layout.episodeReturn),
            episodeLength: column("episodeLength", .int32, [count], layout.episodeLength),
            recurrentState: column("recurrentState", .float32, [slots, stateCount], layout.recurrentState),
            behaviourPolicy: column("behaviourPolicy", .float32, [steps, slots, policyCount], layout.behaviourPolicy))
    }

    private func at<Element>(_ offset: Int, _ type: Element.Type) -> UnsafeMutablePointer<Element> {
        (block + offset).assumingMemoryBound(to: type)
    }

    private func row<Element>(_ t: Int, _ offset: Int) -> UnsafeMutableBufferPointer<Element> {
        precondition(t >= 0 && t < steps, "row \(t) of \(steps)")
        return UnsafeMutableBufferPointer(start: at(offset, Element.self) + t * slots, count: slots)
    }
}

/// Where the columns lie in a block: each at a multiple of 64 bytes. There is room for an episode that ends at every step; what is not used
/// is never touched.
private struct Layout {
    let observationBytes, actionBytes: Int
    let observation, action, behaviourLogProb, reward, terminated, truncated: Int
    let finalIndex, finalObservation, episodeReturn, episodeLength, recurrentState, behaviourPolicy: Int
    let size: Int

    init(observationBytes: Int, actionBytes: Int, stateCount: Int, policyCount: Int, steps: Int, slots: Int) {
        self.observationBytes = observationBytes
        self.actionBytes = actionBytes
        let frames = steps * slots
        var end = 0
        func place(_ bytes: Int) -> Int {
            defer { end = (end + bytes + 63) & ~63 }
            return end
        }
        observation = place((steps + 1) * slots * observationBytes)
        action = place(frames * actionBytes)
        behaviourLogProb = place(frames * 4)
        reward = place(frames * 4)
        terminated = place(frames)
        truncated = place(frames)
        finalIndex = place(frames * 4)
        episodeReturn = place(frames * 4)
        episodeLength = place(frames * 4)
        recurrentState = place(slots * stateCount * 4)
        behaviourPolicy = place(frames * policyCount * 4)
        finalObservation = place(frames * observationBytes)
        size = end
    }
}
