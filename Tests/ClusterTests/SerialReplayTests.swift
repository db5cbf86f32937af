import Glibc
import Platform
import Runs
import Testing

extension Cluster {
    /// A version of an asynchronous run, made again serially, has the same bits.
    @Suite struct SerialReplayTests {
        private func replay(_ scene: Scene, _ directory: RunDirectory, _ more: [String] = []) throws -> JSON {
            let end = try scene.finish(.apus, ["replay", directory.path, "--json"] + more, within: 120)
            let line = try #require(end.output.split(separator: "\n").last, "\(end.errors)")
            return try JSON.parse(Array(line.utf8), place: "apus replay")
        }

        /// Two actors and several rollouts an update: the order in which they came decides what is trained on together.
        private let settings = set(["learner.rollouts_per_update=3", "actors.slots=16", "learner.keep_checkpoints=1000"])

        @Test(arguments: [[], ["method.id=ppo"], ["method.id=dqn"], ["network.memory=gru"], ["reward.normalize=true", "network.normalize_observations=true"]])
        func anUndisturbedRunIsEqual(changes: [String]) throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 200_000) + set(["learner.checkpoint_seconds=0.02"]) + settings + set(changes) + ["--actors", "2"])
                try expectDone([training.apus])
                let last = try replay(scene, training.directory)
                #expect(last["equal"]?.bool == true, "\(last)")
                let middle = try #require(CheckpointStore(training.directory.checkpoints).versions().dropLast().last)
                let again = try replay(scene, training.directory, ["--to", "\(middle)"])
                #expect(again["equal"]?.bool == true && again["weights_sha256"] != last["weights_sha256"])
                #expect(again["checkpoint_weights_sha256"]?.string?.count == 64)
            }
        }

        /// Lives that were undone have acted: what they did is done over as well.
        @Test func killsDoNotMatter() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 2_000_000) + settings + ["--actors", "2"])
                for victim in [Program.learner, .actor, .coordinator, .learner] {
                    try training.directory.expectProgress(30_000)
                    usleep(UInt32.random(in: 0...100_000))
                    try training.kill(victim)
                }
                try expectDone([training.apus])
                let result = try replay(scene, training.directory)
                #expect(result["equal"]?.bool == true, "\(result)")
                #expect(result["lives"]?.integer ?? 0 >= 3)
            }
        }

        /// A resumed run goes on with other settings from there.
        @Test func aResumedRunIsEqual() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 30_000) + settings)
                try expectDone([training.apus])
                let resumed = try scene.start(
                    .apus,
                    ["train", training.directory.path, "--resume", "--seed", "5"] + set(["stop.frames=60000", "optimizer.learning_rate=0.001"]))
                try expectDone([resumed])
                #expect(try replay(scene, training.directory)["equal"]?.bool == true)
            }
        }

        @Test func whatCannotBeMadeAgainIsNamed() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 20_000))
                try expectDone([training.apus])
                let beyond = try scene.finish(.apus, ["replay", training.directory.path, "--to", "100000"])
                #expect(beyond.exit == .code(1) && beyond.errors.contains("no version 100000"), "\(beyond.errors)")
                // One bit of what the run was.
                let ledger = try Files.read(training.directory.ledger)
                try Files.remove(training.directory.ledger)
                let none = try scene.finish(.apus, ["replay", training.directory.path])
                #expect(none.exit == .code(1) && none.errors.contains("no ledger"), "\(none.errors)")
                try Files.write(ledger, to: training.directory.ledger)
                try Files.remove(training.directory.life(1))
                let life = try scene.finish(.apus, ["replay", training.directory.path])
                #expect(life.exit == .code(1) && life.errors.contains("lives/1.yaml"), "\(life.errors)")
            }
        }

        /// It must be able to fail: other seeds give other weights.
        @Test func anotherSeedIsNotEqual() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 20_000))
                try expectDone([training.apus])
                let path = training.directory.life(1)
                let text = String(decoding: try Files.read(path), as: UTF8.self).replacing("\nseed: 1", with: "\nseed: 2")
                try Files.write(Array(text.utf8), to: path)
                let result = try replay(scene, training.directory)
                #expect(result["equal"]?.bool == false, "\(result)")
            }
        }
    }
}
