import Environments
import Tensors

/// The buffers of one step of B slots, for those who keep no rollout.
final class StepBuffers {
    let observation: UnsafeMutableRawBufferPointer
    let action: UnsafeMutableRawBufferPointer
    let reward: UnsafeMutableBufferPointer<Float>
    let logProb: UnsafeMutableBufferPointer<Float>
    let terminated: UnsafeMutableBufferPointer<UInt8>
    let truncated: UnsafeMutableBufferPointer<UInt8>

    init(_ slots: any Slots) {
        observation = .allocate(byteCount: slots.count * slots.observationSpace.byteCount, alignment: 64)
        action = .allocate(byteCount: slots.count * slots.actionSpace.byteCount, alignment: 64)
        reward = .allocate(capacity: slots.count)
        logProb = .allocate(capacity: slots.count)
        terminated = .allocate(capacity: slots.count)
        truncated = .allocate(capacity: slots.count)
    }

    deinit {
        observation.deallocate()
        action.deallocate()
        reward.deallocate()
        logProb.deallocate()
        terminated.deallocate()
        truncated.deallocate()
    }

    var row: SlotsRow {
        SlotsRow(
            actions: UnsafeRawBufferPointer(action), observation: observation, reward: reward, terminated: terminated,
            truncated: truncated)
    }
}
