import Learning
import Methods
import Platform
import Rollouts
import Runs
import Tensors
import Testing
import Wire

/// A trainer that keeps rollouts: what it draws, what a checkpoint holds, what is refused.
@Suite struct TrainingReplayTests {
    private static func dqn(_ spec: inout RunSpec) {
        spec.method.id = "dqn"
        spec.method.options = ["epsilon_decay": 2]
        (spec.replay.sequences, spec.replay.minimumSteps, spec.replay.ratio) = (4, 200, 2)
    }

    /// Through a checkpoint on the disk: the replay's sequences, its priorities and counters, its random stream.
    @Test(arguments: ["dqn", "apex-dqn", "acer", "sac"]) func goesOnWhereItStood(_ method: String) throws {
        let folder = try RuntimeDirectory.create()
        defer { try? Files.remove(folder) }
        func edit(_ spec: inout RunSpec) {
            if method == "sac" { spec.environment.id = "Pendulum-v1" }
            spec.method.id = method
            (spec.replay.minimumSteps, spec.replay.capacityBytes) = (200, 1 << 20)
            if method == "sac" { (spec.replay.sequences, spec.replay.ratio) = (16, 0.5) }
        }
        let turns = try Turns(edit)
        for _ in 0..<6 { try turns.update() }
        let store = try CheckpointStore(writingTo: "\(folder)/checkpoints")
        let replays = try ReplayStore(writingTo: "\(folder)/replay")
        try TrainingCheckpoint(turns.trainer, state: TrainingState()).write(to: store, replays: replays)

        let other = try Trainer(turns.trainer.spec, catalogue: .standard)
        let checkpoint = try TrainingCheckpoint(store.read(6))
        try other.restore(checkpoint, replay: replays)
        for _ in 0..<4 {
            let rollout = try turns.collect()
            let (a, b) = (try turns.trainer.update([rollout]), try other.update([rollout]))
            #expect(a.loss == b.loss && a.metric("replay_sequences") == b.metric("replay_sequences"))
            #expect(turns.trainer.weights.flat.values == other.weights.flat.values)
        }
        // Without the sequences it begins to collect anew, and says what it waits for.
        let empty = try Trainer(turns.trainer.spec, catalogue: .standard)
        try empty.restore(checkpoint)
        #expect(empty.blocked != nil && turns.trainer.version > empty.version)
        try TrainingCheckpoint.prune(replays, of: store)
        #expect(try !Files.list("\(folder)/replay").isEmpty)
    }

    /// In the long run, steps trained on are the ratio times the steps that arrived, whatever the sizes.
    @Test(arguments: [0.5, 1, 3.7], [3, 4, 32]) func theRatioHolds(ratio: Double, sequences: Int) throws {
        let turns = try Turns {
            Self.dqn(&$0)
            ($0.replay.ratio, $0.replay.sequences) = (ratio, sequences)
        }
        var last: Float = 0
        for _ in 0..<40 {
            let report = try turns.update()
            last = try #require(report.metric("replay_samples_per_insert"))
        }
        // 40 updates of 8 sequences; the first 200 steps are only kept.
        #expect(abs(Double(last) - ratio) < (Double(sequences) + 10 * ratio) / 320 + 1e-3, "\(last)")
    }

    /// Replayed sequences beside the live ones of an on-policy method: as many as the ratio says, corrected for their age.
    @Test func replayedSequencesStandBesideLiveOnes() throws {
        let turns = try Turns {
            $0.replay.ratio = 0.5
            $0.replay.besideLive = true
        }
        for update in 0..<12 {
            let report = try turns.update()
            #expect(report.loss.isFinite)
            // 4 of 8 sequences are old from the second update on: another age has another effective sample size.
            let ages = report.metrics.filter { $0.name.hasPrefix("effective_sample_size/lag_") }
            #expect(update < 3 ? ages.count >= 1 : ages.count >= 2, "\(ages.map(\.name))")
        }
    }

    /// Another run's sequences, a quarter of each batch.
    @Test func aDatasetIsMixedIn() throws {
        let folder = try RuntimeDirectory.create()
        defer { try? Files.remove(folder) }
        let source = try Turns(Self.dqn)
        for _ in 0..<6 { try source.update() }
        let store = try CheckpointStore(writingTo: "\(folder)/checkpoints")
        try TrainingCheckpoint(source.trainer, state: TrainingState()).write(to: store, replays: ReplayStore(writingTo: "\(folder)/replay"))

        func mixed() throws -> [Float] {
            let turns = try Turns(seed: 2) {
                Self.dqn(&$0)
                ($0.replay.dataset, $0.replay.datasetShare) = ("\(folder)/replay", 0.25)
            }
            for _ in 0..<8 { #expect(try turns.update().loss.isFinite) }
            return turns.trainer.weights.flat.values
        }
        let weights = try mixed()
        #expect(try mixed() == weights)
        let alone = try Turns(seed: 2, Self.dqn)
        for _ in 0..<8 { try alone.update() }
        #expect(alone.trainer.weights.flat.values != weights)
    }

    /// A dataset alone: the limiter counts its samples too, so an update comes to its end.
    @Test(arguments: [0.5, 1]) func aDatasetKeepsTheRatio(share: Double) throws {
        let folder = try RuntimeDirectory.create()
        defer { try? Files.remove(folder) }
        let source = try Turns(Self.dqn)
        for _ in 0..<6 { try source.update() }
        let store = try CheckpointStore(writingTo: "\(folder)/checkpoints")
        try TrainingCheckpoint(source.trainer, state: TrainingState()).write(to: store, replays: ReplayStore(writingTo: "\(folder)/replay"))
        let turns = try Turns(seed: 2) {
            Self.dqn(&$0)
            ($0.replay.dataset, $0.replay.datasetShare) = ("\(folder)/replay", share)
        }
        var last: Float = 0
        for _ in 0..<40 { last = try turns.update().metric("replay_samples_per_insert") ?? 0 }
        #expect(abs(last - 2) < 0.1, "\(last)")
    }

    /// A replayed batch with a number that overflows is left out, and the update goes on.
    @Test func aBadBatchIsSkipped() throws {
        func turns(_ choice: LearnerSection.OnNonfinite) throws -> Turns {
            try Turns {
                $0.method.id = "apex-dqn"
                ($0.replay.minimumSteps, $0.replay.ratio, $0.learner.onNonfinite) = (200, 2, choice)
                // Finite, and infinite once it is squared.
                $0.reward.scale = 1e38
                $0.optimizer.learningRate = 1e-3
                $0.method.options = ["rescale": 0, "huber": 0]
            }
        }
        let skipping = try turns(.skip)
        var refused: Float = 0
        for _ in 0..<6 { refused += try skipping.update().metric("replay_batches_refused") ?? 0 }
        #expect(refused > 0 && skipping.trainer.version == 6 && skipping.trainer.weights.flat.values.allSatisfy(\.isFinite))
        let stopping = try turns(.stop)
        #expect(throws: NonFiniteUpdate.self) { for _ in 0..<6 { try stopping.update() } }
    }

    @Test func whatCannotWorkIsRefused() throws {
        func refusal(_ edit: @escaping (inout RunSpec) -> Void) -> String {
            do {
                _ = try Turns {
                    Self.dqn(&$0)
                    edit(&$0)
                }
                return "nothing"
            } catch { return "\(error)" }
        }
        #expect(refusal { $0.replay.steps = 21 }.contains("replay.steps may be at most"))
        #expect(refusal { ($0.replay.steps, $0.replay.burnIn) = (10, 10) }.contains("burn_in must be less"))
        #expect(refusal { ($0.network.memory, $0.replay.steps) = (.gru, 10) }.contains("network with memory"))
        #expect(refusal { $0.replay.besideLive = true }.contains("which the method does not train on"))
        func onPolicy(_ spec: inout RunSpec) {
            spec.method.id = "ppo"
            spec.method.options = [:]
            spec.replay.ratio = 1
        }
        #expect(
            refusal {
                onPolicy(&$0)
                ($0.replay.besideLive, $0.replay.overlap) = (true, 5)
            }.contains("beside live rollouts of 20"))
        #expect(
            refusal {
                onPolicy(&$0)
                $0.replay.burnIn = 4
            }.contains("which the method would train on"))
        #expect(
            refusal {
                onPolicy(&$0)
                $0.replay.selector = .prioritized
            }.contains("gives no priorities"))
        #expect(
            refusal {
                onPolicy(&$0)
                $0.method.id = "n-pg-igt"
            }.contains("takes no old data"))
        #expect(refusal { $0.replay.capacityBytes = 1000 }.contains("cannot hold one rollout"))
        #expect(refusal { $0.replay.capacityBytes = 1 << 50 }.contains("GiB"))
        #expect(refusal { $0.replay.dataset = "nowhere" }.contains("nowhere"))
    }
}
