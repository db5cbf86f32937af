import Acting
import Learning
import Networks
import Platform
import Rollouts
import Runs
import Tensors
import Testing
import Wire

/// Statistics of observations and rewards through acting, learning, checkpoints and evaluation.
@Suite struct TrainingStatisticsTests {
    private static func pendulum(_ spec: inout RunSpec) {
        spec.environment.id = "Pendulum-v1"
        spec.network.normalizeObservations = true
        spec.reward.normalize = true
        spec.actors.unroll = 30
        spec.stop.evaluationEpisodes = 2
    }

    /// The weights hold the mean and 1 / deviation of exactly the observations that were acted on.
    @Test func weightsHoldTheMoments() throws {
        let turns = try Turns(Self.pendulum)
        var seen: [Float] = []
        for update in 0..<12 {
            let rollout = try turns.collect()
            seen += rollout.observation.bytes.array(of: Float.self)[..<(rollout.frames * 3)]
            _ = try turns.trainer.update([rollout])
            guard update % 5 == 1 else { continue }
            let (means, scales) = (turns.parameter("normalizer.mean"), turns.parameter("normalizer.scale"))
            for k in 0..<3 {
                let column = stride(from: k, to: seen.count, by: 3).map { Double(seen[$0]) }
                let mean = column.reduce(0, +) / Double(column.count)
                let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count)
                #expect(abs(Double(means[k]) - mean) < 1e-6)
                #expect(abs(Double(scales[k]) * (variance + 1e-8).squareRoot() - 1) < 1e-6)
            }
        }
    }

    /// With the same weights actor and learner compute the same log-probabilities, statistics, memory and squashing included.
    @Test(arguments: [ContinuousPolicy.gaussian, .tanhGaussian], MemoryKind.allCases)
    func actorAndLearnerAgree(policy: ContinuousPolicy, memory: MemoryKind) throws {
        let turns = try Turns {
            Self.pendulum(&$0)
            ($0.network.continuousPolicy, $0.network.memory, $0.network.memoryWidth) = (policy, memory, 16)
            // Episodes end inside the rollouts, and go on over their borders.
            $0.environment.maxEpisodeSteps = 17
            $0.optimizer.learningRate = 0.01
        }
        for _ in 0..<8 {
            let report = try turns.update()
            #expect(abs(try #require(report.metric("rho_mean")) - 1) < 1e-6)
            #expect(abs(try #require(report.metric("effective_sample_size")) - 1) < 1e-6)
            #expect(report.loss.isFinite)
        }
    }

    /// A trainer that went through a checkpoint on the disk makes the same updates as one that did not, bit for bit.
    @Test func aCheckpointKeepsThem() throws {
        let folder = try RuntimeDirectory.create()
        defer { try? Files.remove(folder) }
        let turns = try Turns(Self.pendulum)
        for _ in 0..<5 { try turns.update() }
        let store = try CheckpointStore(writingTo: "\(folder)/checkpoints")
        let saved = TrainingCheckpoint(turns.trainer, state: TrainingState())
        try store.write(version: saved.version, files: saved.files)
        let other = try Trainer(turns.trainer.spec, catalogue: .standard)
        try other.restore(TrainingCheckpoint(store.read(5)))
        #expect(other.version == 5 && other.frames == turns.trainer.frames)
        #expect(other.weights.flat.values == turns.trainer.weights.flat.values)

        // The discounted returns of the slots are of a sampler that a resumed learner has not heard: it starts with new ones.
        let fresh = try Turns.sampler(turns.trainer.spec, actor: 1)
        for _ in 0..<4 {
            turns.trainer.published().withBytes { fresh.load($0, version: turns.trainer.version) }
            let rollout = try fresh.collect()
            let (a, b) = (try turns.trainer.update([rollout]), try other.update([rollout]))
            #expect(a.loss == b.loss && a.gradientNorm == b.gradientNorm)
            #expect(other.weights.flat.values == turns.trainer.weights.flat.values)
        }
    }

    @Test func aCheckpointWithoutThemIsRefused() throws {
        let turns = try Turns(Self.pendulum)
        try turns.update()
        let files = TrainingCheckpoint(turns.trainer, state: TrainingState()).files
        let folder = try RuntimeDirectory.create()
        defer { try? Files.remove(folder) }
        for (number, name) in ["reward", "observation"].enumerated() {
            let store = try CheckpointStore(writingTo: "\(folder)/\(number)")
            let damaged = files.map { file in
                (name: file.name, bytes: file.name.hasSuffix(".json") ? replaced(file.bytes, "\"\(name)\"", by: "\"x\(name)\"") : file.bytes)
            }
            try store.write(version: 1, files: damaged)
            let other = try Trainer(turns.trainer.spec, catalogue: .standard)
            let checkpoint = try TrainingCheckpoint(store.read(1))
            let error = #expect(throws: TrainingStateError.self) { try other.restore(checkpoint) }
            #expect(error?.problem == "the statistics of the \(name)s are missing or damaged")
        }
    }

    private func replaced(_ text: [UInt8], _ part: String, by other: String) -> [UInt8] {
        var text = String(decoding: text, as: UTF8.self)
        if let range = text.firstRange(of: part) { text.replaceSubrange(range, with: other) }
        return Array(text.utf8)
    }

    /// What is evaluated is what acted: the statistics come with the weights.
    @Test func evaluationUsesThem() throws {
        let folder = try RuntimeDirectory.create()
        defer { try? Files.remove(folder) }
        let spec = Turns.spec {
            Self.pendulum(&$0)
            $0.stop.frames = 240 * 6
        }
        let directory = try RunDirectory.create(runs: folder, name: "test", spec: spec)
        var run = try LockstepRun(spec, directory: directory)
        _ = try run.run { _ in }
        let saved = try SavedPolicy(directory, .latest)
        #expect(saved.version == 6)
        let scale = saved.network.layout.specs.first { $0.name == "normalizer.scale" }!
        #expect(saved.weights.flat.rows(scale.offset..<scale.offset + 3).values.allSatisfy { $0 != 1 && $0 > 0 })
        let with = try saved.evaluate(episodes: 3)
        saved.weights.setNormalizer(mean: [0, 0, 0], scale: [1, 1, 1])
        #expect(try saved.evaluate(episodes: 3) != with)
    }
}
