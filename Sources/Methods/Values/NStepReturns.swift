/// What the values of the actions taken should be, n steps ahead:
///
///     G_t = Σ_{k<m} γᵏ r_{t+k} + γᵐ Q(s_{t+m}),   m = n,
///
/// with fewer steps where the episode ends before: without the last term where it was terminated, with the value of the final observation
/// where it was truncated. Where the window ends before, m is what there is of it.
public struct NStepReturns: Sendable, Hashable {
    /// [steps · slots], time-major.
    public let targets: [Float]
    /// How many rewards each contains.
    public let lengths: [Int]
    /// Whether the window's end left it whole: n rewards, or all to the end of the episode.
    public let isWhole: [Bool]

    /// - Parameters:
    ///   - rewards, terminated, truncated: steps · slots, time-major.
    ///   - successors: the value of each step's successor in its own episode, on the scale of `rescaling`; of no account where the step was
    ///     terminated.
    ///   - count: n, at least 1.
    ///   - rescaling: the targets are h(Σ γᵏ r + γᵐ h⁻¹(Q)); nil: h is the identity.
    public init(
        rewards: UnsafeBufferPointer<Float>, terminated: ArraySlice<UInt8>, truncated: ArraySlice<UInt8>,
        successors: UnsafeBufferPointer<Float>, slots: Int, discount: Float, count: Int, rescaling: ValueRescaling? = nil
    ) {
        let total = rewards.count
        precondition(
            count > 0 && terminated.count == total && truncated.count == total && successors.count == total && total % slots == 0,
            "\(count)-step returns of \(total) rewards, \(terminated.count) and \(truncated.count) flags, \(successors.count) successors")
        let (gamma, steps) = (Double(discount), total / slots)
        var (targets, lengths, isWhole) = ([Float](), [Int](), [Bool]())
        for t in 0..<steps {
            for slot in 0..<slots {
                var (sum, weight, length) = (0.0, 1.0, 0)
                var (isTerminated, isTruncated) = (false, false)
                var index = t * slots + slot
                repeat {
                    sum += weight * Double(rewards[index])
                    weight *= gamma
                    length += 1
                    isTerminated = terminated[terminated.startIndex + index] != 0
                    isTruncated = truncated[truncated.startIndex + index] != 0
                    index += slots
                } while !isTerminated && !isTruncated && length < count && index < total
                if !isTerminated {
                    let value = Double(successors[index - slots])
                    sum += weight * (rescaling?.inverse(value) ?? value)
                }
                targets.append(Float(rescaling?(sum) ?? sum))
                lengths.append(length)
                isWhole.append(isTerminated || isTruncated || length == count)
            }
        }
        (self.targets, self.lengths, self.isWhole) = (targets, lengths, isWhole)
    }
}
