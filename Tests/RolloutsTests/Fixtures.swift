import Platform
import Rollouts
import Tensors

/// A small pure generator, so that these tests need no random streams.
struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

/// Fills one rollout with numbers that tell where they stand: the observation at (t, b, k) is 1000·t + 10·b + k + offset.
func fill(_ builder: RolloutBuilder, offset: Float = 0, terminated: Set<Int> = [], truncated: Set<Int> = []) {
    let width = builder.observationSpace.count
    for t in 0...builder.steps {
        let row = builder.observation(t, as: Float.self)
        for b in 0..<builder.slots { for k in 0..<width { row[b * width + k] = Float(1000 * t + 10 * b + k) + offset } }
    }
    for t in 0..<builder.steps {
        for b in 0..<builder.slots {
            let index = t * builder.slots + b
            builder.action(t, as: Int32.self)[b] = Int32(index % 2)
            builder.behaviourLogProb(t)[b] = -Float(index) / 100
            builder.reward(t)[b] = Float(index) + offset
            builder.terminated(t)[b] = terminated.contains(index) ? 1 : 0
            builder.truncated(t)[b] = truncated.contains(index) ? 1 : 0
            if terminated.contains(index) || truncated.contains(index) {
                let final = (0..<width).map { -Float(index * width + $0) - offset }
                final.withUnsafeBytes {
                    builder.appendEnded(step: t, slot: b, finalObservation: $0, episodeReturn: Float(index) + 0.5, length: Int32(index + 1))
                }
            }
        }
    }
}

func number(_ sequence: UInt64, actor: UInt32 = 0) -> RolloutID { RolloutID(actor: actor, incarnation: 0, sequence: sequence) }

extension Rollout {
    /// The same rollout with one column replaced.
    func replacing(
        _ name: String, _ type: ElementType? = nil, shape: [Int]? = nil, edit: (UnsafeMutableRawBufferPointer) -> Void = { _ in }
    ) -> Rollout {
        func pick(_ column: Column) -> Column {
            guard column.name == name else { return column }
            let (type, shape) = (type ?? column.type, shape ?? column.shape)
            let count = shape.reduce(type.byteCount, *)
            var bytes = [UInt8](repeating: 0, count: count)
            for index in 0..<min(count, column.bytes.count) { bytes[index] = column.bytes.withBytes { $0[index] } }
            bytes.withUnsafeMutableBytes(edit)
            return Column(name, type, shape, bytes.withUnsafeBytes { SharedBytes(copying: $0) })
        }
        return Rollout(
            id: id, version: version, steps: steps, slots: slots, observation: pick(observation), action: pick(action),
            behaviourLogProb: pick(behaviourLogProb), reward: pick(reward), terminated: pick(terminated), truncated: pick(truncated),
            finalIndex: pick(finalIndex), finalObservation: pick(finalObservation), episodeReturn: pick(episodeReturn),
            episodeLength: pick(episodeLength), recurrentState: pick(recurrentState),
            behaviourPolicy: pick(behaviourPolicy))
    }

    /// The same rollout with every column one byte off any alignment, as a view into a network frame may be.
    var misaligned: Rollout {
        func move(_ column: Column) -> Column {
            var bytes = [UInt8](repeating: 0xAA, count: column.bytes.count + 1)
            for index in 0..<column.bytes.count { bytes[index + 1] = column.bytes.withBytes { $0[index] } }
            let whole = bytes.withUnsafeBytes { SharedBytes(copying: $0) }
            return Column(column.name, column.type, column.shape, SharedBytes(whole, offset: 1, count: column.bytes.count))
        }
        return Rollout(
            id: id, version: version, steps: steps, slots: slots, observation: move(observation), action: move(action),
            behaviourLogProb: move(behaviourLogProb), reward: move(reward), terminated: move(terminated), truncated: move(truncated),
            finalIndex: move(finalIndex), finalObservation: move(finalObservation), episodeReturn: move(episodeReturn),
            episodeLength: move(episodeLength), recurrentState: move(recurrentState),
            behaviourPolicy: move(behaviourPolicy))
    }
}
