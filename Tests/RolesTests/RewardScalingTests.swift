import Learning
import Rollouts
import Runs
import Tensors
import Testing

@Suite struct RewardScalingTests {
    /// Rewards [T][B]; the given steps end an episode.
    private func rollout(
        _ rewards: [[Float]], actor: UInt32 = 0, incarnation: UInt32 = 0, terminated: Set<Int> = [], truncated: Set<Int> = []
    ) -> Rollout {
        let slots = rewards[0].count
        let builder = RolloutBuilder(observation: .box(shape: [1]), action: .discrete(2), steps: rewards.count, slots: slots)
        for t in 0...rewards.count { builder.observation(t, as: Float.self).update(repeating: 0) }
        for t in rewards.indices {
            for b in 0..<slots {
                let index = t * slots + b
                (builder.action(t, as: Int32.self)[b], builder.behaviourLogProb(t)[b], builder.reward(t)[b]) = (0, 0, rewards[t][b])
                builder.terminated(t)[b] = terminated.contains(index) ? 1 : 0
                builder.truncated(t)[b] = truncated.contains(index) ? 1 : 0
                guard terminated.contains(index) || truncated.contains(index) else { continue }
                [Float(0)].withUnsafeBytes { builder.appendEnded(step: t, slot: b, finalObservation: $0, episodeReturn: 0, length: 1) }
            }
        }
        return builder.finish(id: RolloutID(actor: actor, incarnation: incarnation, sequence: 1), version: 0)
    }

    private func scaled(_ scaling: inout RewardScaling, _ rollouts: Rollout...) throws -> [Float] {
        let batch = try RolloutBatch(rollouts, observationSpace: .box(shape: [1]))
        scaling.count(batch)
        return scaling(batch).values
    }

    private func scaling(_ edit: (inout RewardSection) -> Void) -> RewardScaling {
        var section = RewardSection()
        edit(&section)
        return RewardScaling(section, discount: 0.5)
    }

    @Test func scaleThenClip() throws {
        let rewards = rollout([[1, -2], [0.25, 100]])
        var none = scaling { _ in }
        #expect(try scaled(&none, rewards) == [1, -2, 0.25, 100])
        var scale = scaling { $0.scale = -2 }
        #expect(try scaled(&scale, rewards) == [-2, 4, -0.5, -200])
        var clip = scaling { $0.clip = 1.5 }
        #expect(try scaled(&clip, rewards) == [1, -1.5, 0.25, 1.5])
        var both = scaling { ($0.scale, $0.clip) = (0.5, 0.75) }
        #expect(try scaled(&both, rewards) == [0.5, -0.75, 0.125, 0.75])
        #expect(none.moments.count == 0)
    }

    private func deviation(_ returns: [Double]) -> Double {
        let mean = returns.reduce(0, +) / Double(returns.count)
        return (returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(returns.count) + 1e-8).squareRoot()
    }

    private func close(_ values: [Float], _ rewards: [Double], over deviation: Double, at location: SourceLocation = #_sourceLocation) {
        #expect(values.count == rewards.count, sourceLocation: location)
        for (value, reward) in zip(values, rewards) {
            #expect(abs(Double(value) - reward / deviation) < 1e-6 * max(1, abs(reward / deviation)), sourceLocation: location)
        }
    }

    /// γ = ½; the discounted returns are followed through rollouts, start anew behind each end, and belong to one slot of one actor.
    @Test func normalizesByTheDiscountedReturn() throws {
        var scaling = scaling { $0.normalize = true }
        // Slot 0: 1, then ½ + 2 (end), then 4. Slot 1: 0, 8, then 4 + 1.
        let first = rollout([[1, 0], [2, 8], [4, 1]], terminated: [2])
        var returns: [Double] = [1, 0, 2.5, 8, 4, 5]
        close(try scaled(&scaling, first), [1, 0, 2, 8, 4, 1], over: deviation(returns))
        #expect(scaling.moments.count == 6)
        // The same slots go on from 4 and 5; slot 1 is truncated and starts anew.
        returns += [3, 5.5, 1.5, 1]
        close(try scaled(&scaling, rollout([[1, 3], [0, 1]], truncated: [1])), [1, 3, 0, 1], over: deviation(returns))
        // Another actor, and another life of the first one, begin at 0; all count together.
        returns += [2, 2, 7, 7, 3, 4.5]
        let others = try scaled(
            &scaling, rollout([[2, 2], [6, 6]], actor: 1), rollout([[3], [3]], incarnation: 1))
        close(others, [2, 2, 3, 6, 6, 3], over: deviation(returns))
        // The first one's slots stand where they stood: 1.5 and 1.
        returns += [0.75, 0.5]
        close(try scaled(&scaling, rollout([[0, 0]])), [0, 0], over: deviation(returns))
        #expect(scaling.moments.count == 18)
        #expect(abs(scaling.moments.mean[0] - returns.reduce(0, +) / 18) < 1e-12)
    }

    @Test func normalizeScaleClip() throws {
        var scaling = scaling { ($0.normalize, $0.scale, $0.clip) = (true, 2, 1.25) }
        let values = try scaled(&scaling, rollout([[1, -1, 3]]))
        let factor = 2 / deviation([1, -1, 3])
        #expect(abs(Double(values[0]) - factor) < 1e-6 && abs(Double(values[1]) + factor) < 1e-6 && values[2] == 1.25)
    }
}
