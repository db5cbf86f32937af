/// The buffers of one step of B slots, for those who keep no rollout.
final class StepBuffers {
    let observation: UnsafeMutableBufferPointer<Float>
    let reward: UnsafeMutableBufferPointer<Float>
    let logProb: UnsafeMutableBufferPointer<Float>
    let uniform: UnsafeMutableBufferPointer<Float>
    let action: UnsafeMutableBufferPointer<Int32>
    let terminated: UnsafeMutableBufferPointer<UInt8>
    let truncated: UnsafeMutableBufferPointer<UInt8>

    init(slots: Int, observationCount: Int) {
        observation = .allocate(capacity: slots * observationCount)
        reward = .allocate(capacity: slots)
        logProb = .allocate(capacity: slots)
        uniform = .allocate(capacity: slots)
        action = .allocate(capacity: slots)
        terminated = .allocate(capacity: slots)
        truncated = .allocate(capacity: slots)
    }

    deinit {
        for buffer in [observation, reward, logProb, uniform] { buffer.deallocate() }
        action.deallocate()
        terminated.deallocate()
        truncated.deallocate()
    }
}
