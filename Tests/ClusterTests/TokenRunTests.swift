import Glibc
import Platform
import Runs
import Testing

extension Cluster {
    /// Runs of token policies: whole groups of responses on the wire, and a warm-up before the first update.
    @Suite struct TokenRunTests {
        /// Sums of one digit, one rollout an update, with a checkpoint every moment.
        private func settings(frames: Int, warmup: Int) -> [String] {
            endless(frames: frames)
                + set([
                    "environment.options.digits=1", "tokens.groups=8", "actors.slots=64", "learner.rollouts_per_update=1", "tokens.width=16",
                    "tokens.layers=1", "tokens.samples=2", "warmup.updates=\(warmup)", "warmup.batch=32",
                    "warmup.accuracy=1",
                ])
        }

        /// What holds of every such run: as many updates as rollouts that were trained on, so none was twice.
        private func expectSound(_ directory: RunDirectory) throws {
            try directory.expectSound(framesPerRollout: nil, columns: 12)
            let ledger = try LedgerCheck.run(directory.ledger)
            #expect(ledger.state.totals.trained == ledger.state.version, "\(ledger.text)")
        }

        @Test(arguments: [Program.actor, .learner, .coordinator])
        func theSupervisorRestartsWhatWasKilled(victim: Program) throws {
            let (frames, kills) = (150_000, 2)
            try scene { scene in
                let training = try scene.train(settings(frames: frames, warmup: 25), preset: "addition")
                try training.kill(victim, times: kills, over: frames)
                try expectDone([training.apus])
                try expectSound(training.directory)
                let ledger = try LedgerCheck.run(training.directory.ledger)
                #expect(try RunResult.read(from: training.directory)?.frames ?? 0 >= frames)
                #expect(victim != .learner || ledger.state.lives == kills + 1)
                #expect(victim != .actor || ledger.state.incarnations.count == kills + 1)
                #expect(victim != .actor || ledger.state.totals.lost <= 2 * UInt64(kills), "credits bound what a kill can cost")
            }
        }

        /// Nothing is kept of a warm-up: the next life makes it again, and tells so.
        @Test func aWarmupIsMadeAgain() throws {
            try scene { scene in
                let training = try scene.train(settings(frames: 20_000, warmup: 100), preset: "addition")
                func warmups() throws -> [Double] {
                    guard Files.exists(training.directory.metrics) else { return [] }
                    return try MetricsTable(training.directory.metrics).records.compactMap { $0.value("warmup/updates") }
                }
                try eventually("the warm-up is under way", within: 30) { try warmups().contains(25) }
                try training.kill(.learner)
                try expectDone([training.apus])
                try expectSound(training.directory)
                let told = try warmups()
                #expect(told.filter { $0 == 0 }.count == 2 && told.suffix(5) == [0, 25, 50, 75, 100], "\(told)")
                #expect(training.apus.output.contains(" of at most 100 updates, "), "\(training.apus.output)")
            }
        }

        /// It ends at once, and nobody is left waiting.
        @Test func aWarmupIsInterrupted() throws {
            try scene { scene in
                let training = try scene.train(settings(frames: 20_000, warmup: 1_000_000), preset: "addition")
                try eventually("the warm-up is under way", within: 30) { Files.exists(training.directory.metrics) }
                training.apus.signal(SIGINT)
                let begin = Time.now
                try expectDone([training.apus], within: 15)
                #expect(Time.now - begin < 5, "\(Time.now - begin) s")
                #expect(try !Files.exists(training.directory.checkpoints) || CheckpointStore(training.directory.checkpoints).versions().isEmpty)
            }
        }
    }
}
