import Rollouts
import Tensors

/// What one slot did, as plain lists: the model that the replay is compared with. Step t goes from observation t to observation t + 1.
struct RecordedSlot {
    var observations: [[Float]] = []
    var actions: [[Float]] = []
    var logProbs: [Float] = []
    var rewards: [Float] = []
    var terminated: [UInt8] = []
    var truncated: [UInt8] = []
    /// By step.
    var finals: [Int: [Float]] = [:]
    /// By the step at which a rollout began.
    var states: [Int: [Float]] = [:]
}

/// Makes rollouts in which every number is different, and remembers them.
final class RecordedActor {
    let shape: RolloutShape
    let actor: UInt32
    private(set) var slots: [RecordedSlot]
    private let builder: RolloutBuilder
    private var dice: Dice
    private var incarnation: UInt32 = 0
    private var sequence: UInt64 = 0
    private(set) var steps = 0
    private let endProbability: Double

    init(_ shape: RolloutShape, actor: UInt32, slots: Int, seed: UInt64, endProbability: Double = 0.2) {
        self.shape = shape
        self.actor = actor
        self.endProbability = endProbability
        builder = RolloutBuilder(
            observation: shape.observation, action: shape.action, stateCount: shape.stateCount, steps: shape.steps, slots: slots)
        dice = Dice(state: seed &* 977 &+ UInt64(actor))
        self.slots = Array(repeating: RecordedSlot(), count: slots)
        for b in 0..<slots { self.slots[b].observations.append(observation(write: builder.observation(0), b)) }
    }

    /// The next incarnation, whose rollouts do not follow on the last one's.
    func restart() { (incarnation, sequence) = (incarnation + 1, 0) }

    /// The next rollout; `at` is the step of the model at which it begins.
    func rollout(version: UInt64 = 0) -> (rollout: Rollout, at: Int) {
        let at = steps
        for b in slots.indices {
            let state = (0..<shape.stateCount).map { _ in Float.random(in: -1...1, using: &dice) }
            for (k, value) in state.enumerated() { builder.recurrentState[b * shape.stateCount + k] = value }
            slots[b].states[at] = state
        }
        for t in 0..<shape.steps { for b in slots.indices { step(t, b) } }
        steps += shape.steps
        sequence += 1
        return (builder.finish(id: RolloutID(actor: actor, incarnation: incarnation, sequence: sequence), version: version), at)
    }

    private func step(_ t: Int, _ b: Int) {
        let actions = (0..<shape.action.count).map { _ -> Float in
            shape.action.elementType == .float32 ? .random(in: -1...1, using: &dice) : Float(Int32.random(in: 0..<3, using: &dice))
        }
        let row = builder.action(t)
        for (k, value) in actions.enumerated() {
            let offset = (b * actions.count + k) * 4
            if shape.action.elementType == .float32 {
                row.storeBytes(of: value, toByteOffset: offset, as: Float.self)
            } else {
                row.storeBytes(of: Int32(value), toByteOffset: offset, as: Int32.self)
            }
        }
        builder.behaviourLogProb(t)[b] = .random(in: -3 ... -0.1, using: &dice)
        builder.reward(t)[b] = .random(in: -1...1, using: &dice)
        let ends = Double.random(in: 0..<1, using: &dice) < endProbability
        let cut = ends && Bool.random(using: &dice)
        builder.terminated(t)[b] = ends && !cut ? 1 : 0
        builder.truncated(t)[b] = cut ? 1 : 0
        slots[b].actions.append(actions)
        slots[b].logProbs.append(builder.behaviourLogProb(t)[b])
        slots[b].rewards.append(builder.reward(t)[b])
        slots[b].terminated.append(ends && !cut ? 1 : 0)
        slots[b].truncated.append(cut ? 1 : 0)
        if ends {
            var bytes = [UInt8](repeating: 0, count: shape.observation.byteCount)
            bytes.withUnsafeMutableBytes { bytes in
                let final = observation(write: bytes, 0)
                if cut { slots[b].finals[slots[b].rewards.count - 1] = final }
                builder.appendEnded(step: t, slot: b, finalObservation: UnsafeRawBufferPointer(bytes), episodeReturn: 1, length: 1)
            }
        }
        slots[b].observations.append(observation(write: builder.observation(t + 1), b))
    }

    private func observation(write row: UnsafeMutableRawBufferPointer, _ b: Int) -> [Float] {
        (0..<shape.observation.count).map { k in
            let place = b * shape.observation.count + k
            guard shape.observation.elementType == .uint8 else {
                let value = Float.random(in: -9...9, using: &dice)
                row.storeBytes(of: value, toByteOffset: 4 * place, as: Float.self)
                return value
            }
            row[place] = .random(in: 0...255, using: &dice)
            return Float(row[place])
        }
    }
}

extension RolloutBatch {
    /// Rows of observations as numbers, bytes not divided by anything.
    func numbers(_ rows: Observations) -> [[Float]] {
        rows.withBytes { bytes in
            (0..<rows.count).map { row in
                (0..<rows.space.count).map { k in
                    let index = row * rows.space.count + k
                    return rows.space.elementType == .uint8
                        ? Float(bytes[index]) : bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
                }
            }
        }
    }

    /// What stands in slot n, compared with `steps` steps of the model from `start` on; nil, or what differs.
    func difference(slot n: Int, from model: RecordedSlot, start: Int) -> String? {
        let observed = numbers(observation)
        let finals = numbers(finalObservation)
        let (actions, logProbs, rewards) = (actionNumbers, behaviourLogProb.values, reward.values)
        let width = actions.count / frames
        for t in 0..<steps {
            let (index, at) = (t * slots + n, start + t)
            guard observed[index] == model.observations[at] else { return "observation \(t)" }
            guard Array(actions[index * width..<(index + 1) * width]) == model.actions[at] else { return "action \(t)" }
            guard logProbs[index] == model.logProbs[at], rewards[index] == model.rewards[at] else { return "numbers \(t)" }
            guard terminated[index] == model.terminated[at], truncated[index] == model.truncated[at] else { return "flags \(t)" }
            let row = finalIndex.firstIndex(of: Int32(index))
            guard row.map({ finals[$0] }) == model.finals[at] else { return "final observation \(t)" }
        }
        return observed[steps * slots + n] == model.observations[start + steps] ? nil : "the last observation"
    }

    var actionNumbers: [Float] {
        switch action {
        case .choices(let choices): choices.map { Float($0) }
        case .vectors(let vectors): vectors.values
        }
    }
}
