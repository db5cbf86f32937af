import Platform
import Rollouts
import Tensors

func shared(_ bytes: [UInt8]) -> SharedBytes { bytes.withUnsafeBytes { SharedBytes(copying: $0) } }

func shared<Element: BitwiseCopyable>(_ elements: [Element]) -> SharedBytes { elements.withUnsafeBytes { SharedBytes(copying: $0) } }

/// T × B steps of a two-number observation and a recurrent state of two; every slot's episode ends at the last step.
func rollout(_ id: RolloutID, version: UInt64 = 0, steps: Int = 3, slots: Int = 2) -> Rollout {
    let frames = steps * slots
    let last = (frames - slots)..<frames
    let floats: (Int) -> SharedBytes = { count in shared((0..<count).map { Float($0) / 8 }) }
    return Rollout(
        id: id, version: version, steps: steps, slots: slots,
        observation: Column("observation", .float32, [steps + 1, slots, 2], floats((steps + 1) * slots * 2)),
        action: Column("action", .int32, [steps, slots], shared((0..<frames).map { Int32($0 % 2) })),
        behaviourLogProb: Column("behaviour_log_prob", .float32, [steps, slots], shared([Float](repeating: -0.5, count: frames))),
        reward: Column("reward", .float32, [steps, slots], floats(frames)),
        terminated: Column("terminated", .uint8, [steps, slots], shared((0..<frames).map { UInt8(last.contains($0) ? 1 : 0) })),
        truncated: Column("truncated", .uint8, [steps, slots], shared([UInt8](repeating: 0, count: frames))),
        finalIndex: Column("final_index", .int32, [slots], shared(last.map { Int32($0) })),
        finalObservation: Column("final_observation", .float32, [slots, 2], floats(slots * 2)),
        episodeReturn: Column("episode_return", .float32, [slots], floats(slots)),
        episodeLength: Column("episode_length", .int32, [slots], shared([Int32](repeating: Int32(steps), count: slots))),
        recurrentState: Column("recurrent_state", .float32, [slots, 2], floats(slots * 2)),
        behaviourPolicy: Column("behaviour_policy", .float32, [steps, slots, 3], floats(frames * 3)))
}

let shape = RolloutShape(observation: .box(shape: [2]), action: .discrete(2), stateCount: 2, policyCount: 3, steps: 3, maximumSlots: 16)
