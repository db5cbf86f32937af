import Acting
import Environments
import Learning
import Runs
import Tensors
import Testing

/// Updates of every kind of network: finite, and the same numbers twice.
@Suite struct LockstepTests {
    struct Kind: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let updates: Int
        let edit: @Sendable (inout RunSpec) -> Void
    }

    static let kinds = [
        Kind(testDescription: "continuous", updates: 20) {
            $0.environment.id = "Pendulum-v1"
            ($0.network.normalizeObservations, $0.reward.scale, $0.reward.clip) = (true, 0.1, 1)
        },
        Kind(testDescription: "squashed, layer norm", updates: 20) {
            $0.environment.id = "MountainCarContinuous-v0"
            ($0.network.continuousPolicy, $0.network.layerNorm, $0.network.separateValue) = (.tanhGaussian, true, true)
        },
        Kind(testDescription: "convolution", updates: 6) {
            $0.environment.id = "MinAtar/Breakout"
            $0.network.activation = .relu
        },
        Kind(testDescription: "lstm", updates: 12) {
            ($0.network.memory, $0.network.memoryWidth) = (.lstm, 16)
            // The policy of the start keeps poles up for about 20 steps: episodes end inside every rollout.
            $0.actors.unroll = 40
        },
        Kind(testDescription: "convolution and gru", updates: 4) {
            $0.environment.id = "MinAtar/Breakout"
            ($0.network.memory, $0.network.memoryWidth) = (.gru, 16)
        },
        Kind(testDescription: "dqn", updates: 30) {
            $0.method.id = "dqn"
            ($0.replay.minimumSteps, $0.replay.ratio) = (200, 2)
        },
        Kind(testDescription: "apex-dqn", updates: 30) {
            $0.method.id = "apex-dqn"
            ($0.replay.minimumSteps, $0.replay.ratio) = (200, 2)
        },
        Kind(testDescription: "r2d2", updates: 12) {
            $0.method.id = "r2d2"
            ($0.network.memory, $0.network.memoryWidth, $0.replay.minimumSteps, $0.replay.ratio) = (.lstm, 8, 200, 2)
        },
        Kind(testDescription: "acer", updates: 20) {
            $0.method.id = "acer"
            $0.replay.minimumSteps = 200
        },
    ]

    @Test(arguments: kinds) func twiceTheSame(_ kind: Kind) throws {
        func train() throws -> [Float] {
            let turns = try Turns(kind.edit)
            let start = turns.trainer.weights.flat.values
            for _ in 0..<kind.updates {
                let report = try turns.update()
                // Until a replay has enough in it, nothing is learned.
                #expect(report.loss.isFinite && report.gradientNorm.isFinite && (report.gradientNorm > 0 || !report.trained))
            }
            let end = turns.trainer.weights.flat.values
            #expect(end.allSatisfy { $0.isFinite })
            #expect(zip(start, end).count { $0 != $1 } > start.count / 2)
            return end
        }
        let first = try train()
        #expect(try train() == first)
        #expect(try Turns(seed: 2, kind.edit).trainer.weights.flat.values != first)
    }
}

extension UpdateReport {
    fileprivate var trained: Bool { metrics.contains { !$0.name.hasPrefix("replay_") } }
}
