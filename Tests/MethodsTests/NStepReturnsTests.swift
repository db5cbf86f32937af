import Methods
import Testing

@Suite struct NStepReturnsTests {
    private func returns(
        _ rewards: [Float], terminated: Set<Int> = [], truncated: Set<Int> = [], successors: [Float], slots: Int = 1, discount: Float, _ n: Int,
        rescaling: ValueRescaling? = nil
    ) -> NStepReturns {
        let ends: [UInt8] = rewards.indices.map { terminated.contains($0) ? 1 : 0 }
        let cuts: [UInt8] = rewards.indices.map { truncated.contains($0) ? 1 : 0 }
        return rewards.withUnsafeBufferPointer { rewards in
            successors.withUnsafeBufferPointer {
                NStepReturns(
                    rewards: rewards, terminated: ends[...], truncated: cuts[...], successors: $0, slots: slots, discount: discount, count: n,
                    rescaling: rescaling)
            }
        }
    }

    @Test func byHand() {
        // Five steps; the third is terminated.
        let result = returns([1, 2, 4, 8, 16], terminated: [2], successors: [10, 20, 30, 40, 50], discount: 0.5, 2)
        #expect(result.targets == [7, 4, 4, 28.5, 41])
        #expect(result.lengths == [2, 2, 1, 2, 1] && result.isWhole == [true, true, true, true, false])
        // Truncated instead: the final observation's value stands at its end.
        #expect(
            returns([1, 2, 4, 8, 16], truncated: [2], successors: [10, 20, 30, 40, 50], discount: 0.5, 2).targets
                == [7, 11.5, 19, 28.5, 41])
        // Both: terminated.
        #expect(returns([1, 2], terminated: [0], truncated: [0], successors: [10, 20], discount: 0.5, 3).targets == [1, 12])
    }

    /// Against the definition, one sum for each step, in random windows.
    @Test(arguments: [1, 2, 3, 5, 30]) func bruteForce(n: Int) {
        var dice = Dice(state: UInt64(n))
        for _ in 0..<20 {
            let (steps, slots) = (Int.random(in: 1...12, using: &dice), Int.random(in: 1...3, using: &dice))
            let count = steps * slots
            let rewards = (0..<count).map { _ in Float.random(in: -1...1, using: &dice) }
            let successors = (0..<count).map { _ in Float.random(in: -5...5, using: &dice) }
            let terminated = Set((0..<count).filter { _ in Float.random(in: 0..<1, using: &dice) < 0.15 })
            let truncated = Set((0..<count).filter { _ in Float.random(in: 0..<1, using: &dice) < 0.15 })
            let h = Bool.random(using: &dice) ? ValueRescaling() : nil
            let result = returns(
                rewards, terminated: terminated, truncated: truncated, successors: successors, slots: slots, discount: 0.9, n, rescaling: h)
            for t in 0..<steps {
                for b in 0..<slots {
                    // The last step of the return: n later, or the episode's last, or the window's.
                    let ends = (t..<steps).first { terminated.contains($0 * slots + b) || truncated.contains($0 * slots + b) }
                    let last = min(t + n - 1, ends ?? .max, steps - 1)
                    var sum = (t...last).reduce(0.0) { $0 + powerOf(0.9, $1 - t) * Double(rewards[$1 * slots + b]) }
                    if !terminated.contains(last * slots + b) {
                        let value = Double(successors[last * slots + b])
                        sum += powerOf(0.9, last - t + 1) * (h?.inverse(value) ?? value)
                    }
                    let index = t * slots + b
                    #expect(abs(Double(result.targets[index]) - (h?(sum) ?? sum)) < 1e-5)
                    #expect(result.lengths[index] == last - t + 1)
                    #expect(result.isWhole[index] == (last == ends || last == t + n - 1))
                }
            }
        }
    }

    /// One state, reward 1, every tenth step truncated: 1 / (1 − γ) is the fixed point; with termination in place of truncation it is not.
    @Test func theInfiniteLoop() {
        let value = Float(1 / (1 - 0.9))
        let rewards = [Float](repeating: 1, count: 40)
        let ends = Set([9, 19, 29])
        let successors = [Float](repeating: value, count: 40)
        for n in [1, 3, 12] {
            let truncated = returns(rewards, truncated: ends, successors: successors, discount: 0.9, n).targets
            #expect(truncated.allSatisfy { abs($0 - value) < 1e-5 })
            let terminated = returns(rewards, terminated: ends, successors: successors, discount: 0.9, n).targets
            #expect(terminated.filter { $0 < value - 0.1 }.count == 3 * min(n, 10))
        }
    }

    @Test func rescalingIsUndone() {
        for epsilon in [0, 1e-3, 1e-2, 0.5] {
            let h = ValueRescaling(epsilon: epsilon)
            for x in [0, 1e-9, 1e-4, 0.5, 1, 3, 100, 1e4, 1e6] {
                #expect(abs(h.inverse(h(x)) - x) <= 1e-9 * max(1, x), "ε \(epsilon), x \(x)")
                #expect(h(-x) == -h(x) && h.inverse(-x) == -h.inverse(x))
                #expect(abs(h(h.inverse(x)) - x) <= 1e-9 * max(1, x))
            }
        }
        #expect(ValueRescaling(epsilon: 0)(3) == 1 && ValueRescaling(epsilon: 0)(-8) == -2)
    }
}
