import CKernels
import Glibc

/// What random numbers are for; each purpose has streams of its own.
public enum RandomPurpose: UInt32, Sendable {
    case weights = 1
    case action, environment, evaluation, learner, replay, generation
}

/// Names a family of random streams: Philox4x32-10 (Salmon et al., 2011) under one 64-bit key. Every number is a function of key and
/// position, so a rollout can be made again anywhere, in any order.
///
/// The key is the first 64 bits of the Philox block with the seed as key and (purpose, actor, incarnation, "Apus") as counter. For one seed
/// that maps distinct inputs to distinct 128-bit blocks; two keys agree with probability 2⁻⁶⁴.
public struct RandomKey: Hashable, Sendable {
    let low: UInt32
    let high: UInt32

    public init(seed: UInt64, purpose: RandomPurpose, actor: UInt32 = 0, incarnation: UInt32 = 0) {
        let block = philox(
            (purpose.rawValue, actor, incarnation, 0x4170_7573), key: (UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)))
        (low, high) = (block.0, block.1)
    }

    fileprivate init(low: UInt32, high: UInt32) { (self.low, self.high) = (low, high) }

    /// The stream of one episode in one slot: under a key of its own, the first 64 bits of the block (slot, episode low, episode high, 1).
    /// `uniforms` uses only counters that end in 0.
    public func stream(slot: UInt32, episode: UInt64) -> RandomStream {
        let block = philox((slot, UInt32(truncatingIfNeeded: episode), UInt32(episode >> 32), 1), key: (low, high))
        return RandomStream(RandomKey(low: block.0, high: block.1))
    }

    /// One number in [0, 1) with 24 bits per lane (slot): counter (lane, step low, step high, 0). A lane's number does not depend on the
    /// buffer's length.
    public func uniforms(step: UInt64, into buffer: UnsafeMutableBufferPointer<Float>) {
        apus_philox_uniforms(low, high, step, buffer.baseAddress, buffer.count)
    }

    /// The number of `uniforms` at one lane.
    public func uniform(lane: UInt32, step: UInt64) -> Float {
        let block = philox((lane, UInt32(truncatingIfNeeded: step), UInt32(step >> 32), 0), key: (low, high))
        return Float(block.0 >> 8) * 0x1p-24
    }

    /// Numbers from the standard normal distribution: Φ⁻¹ of `uniforms`.
    public func normals(step: UInt64, _ shape: [Int]) -> Tensor {
        normalQuantiles(Tensor(shape) { uniforms(step: step, into: $0) })
    }
}

/// A sequence of random numbers: blocks with the counters (0, 0, 0, 0), (1, 0, 0, 0), … of one key, two 64-bit numbers each.
public struct RandomStream: RandomNumberGenerator, Sendable {
    private let key: RandomKey
    private var position: UInt64 = 0
    private var kept: UInt64 = 0

    init(_ key: RandomKey) { self.key = key }

    public mutating func next() -> UInt64 {
        defer { position += 1 }
        if position & 1 == 1 { return kept }
        let index = position >> 1
        let block = philox((UInt32(truncatingIfNeeded: index), UInt32(index >> 32), 0, 0), key: (key.low, key.high))
        kept = UInt64(block.3) << 32 | UInt64(block.2)
        return UInt64(block.1) << 32 | UInt64(block.0)
    }

    /// In [0, 1), 53 bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// In `range`, its upper bound reached only by rounding.
    public mutating func uniform(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// From the standard normal distribution (Box and Muller, 1958), two uniform numbers each.
    public mutating func normal() -> Double {
        let radius = (-2 * Glibc.log(1 - uniform())).squareRoot()
        return radius * Glibc.cos(2 * .pi * uniform())
    }
}

package func philox(_ counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)) -> (UInt32, UInt32, UInt32, UInt32) {
    var output: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    withUnsafeBytes(of: counter) { counter in
        withUnsafeBytes(of: key) { key in
            withUnsafeMutableBytes(of: &output) { output in
                apus_philox(
                    counter.assumingMemoryBound(to: UInt32.self).baseAddress, key.assumingMemoryBound(to: UInt32.self).baseAddress,
                    output.assumingMemoryBound(to: UInt32.self).baseAddress)
            }
        }
    }
    return output
}
