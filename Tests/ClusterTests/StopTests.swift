import Glibc
import Platform
import Runs
import Testing

extension Cluster {
    @Suite struct StopTests {
        @Test func ctrlCWritesACheckpointAndResumeGoesOnFromThere() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 1_000_000_000))
                try training.directory.expectProgress(50_000)
                let duration = try pressCtrlC(training.apus)
                try training.directory.expectSound()
                try scene.expectNothingLeft()
                let first = try #require(try RunResult.read(from: training.directory))

                let evaluation = try scene.finish(.apus, ["evaluate", training.directory.path, "--episodes", "5", "--json"])
                #expect(evaluation.exit == .code(0), "\(evaluation)")
                let json = try JSON.parse(Array(evaluation.output.utf8), place: "apus evaluate")
                #expect(json["version"]?.integer == Int(first.version))

                try expectDone([scene.resume(training.directory, frames: first.frames + 200_000)])
                try training.directory.expectSound(frames: first.frames + 200_000...first.frames + 200_512)
                let records = try MetricsTable(training.directory.metrics).records
                #expect(zip(records, records.dropFirst()).allSatisfy { $0.frames <= $1.frames && $0.version <= $1.version })
                #expect(try LedgerCheck.run(training.directory.ledger).state.totals.rewound == 0)

                // The better of two: a disk that others keep busy may take seconds for one checkpoint.
                let again = try scene.resume(training.directory, frames: 1_000_000_000)
                try training.directory.expectProgress(50_000)
                #expect(try min(duration, pressCtrlC(again)) < 3)
                try training.directory.expectSound()
            }
        }

        /// Seconds until everything has ended.
        private func pressCtrlC(_ apus: Launched) throws -> Double {
            let pressed = Time.now
            apus.signal(SIGINT)
            try expectDone([apus])
            return Time.now - pressed
        }

        /// The learner's checkpoint must not depend on a coordinator that has just died, or has just been started again.
        @Test(arguments: [0, 30_000, 150_000, 600_000] as [UInt32])
        func ctrlCAroundTheDeathOfTheCoordinator(microseconds: UInt32) throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 1_000_000_000))
                try training.directory.expectProgress(50_000)
                try training.kill(.coordinator)
                usleep(microseconds)
                training.apus.signal(SIGINT)
                try expectDone([training.apus])
                let ledger = try LedgerCheck.run(training.directory.ledger)
                #expect(ledger.isSound, "\(ledger.text)")
                #expect(try CheckpointStore(training.directory.checkpoints).latest() == ledger.state.version)
                if let result = try RunResult.read(from: training.directory) { #expect(result.version == ledger.state.version) }
            }
        }

        @Test func aSecondCtrlCEndsItAtOnce() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 1_000_000_000))
                try training.directory.expectProgress()
                // A run that cannot end in order: its learner stands still.
                kill(try #require(training.process(of: .learner)), SIGSTOP)
                training.apus.signal(SIGINT)
                try eventually("it says that it stops", within: 15) { training.apus.output.contains("again to stop at once") }
                #expect(training.apus.poll() == nil)
                let pressed = Time.now
                training.apus.signal(SIGINT)
                #expect(try training.apus.wait(within: 10) == .code(130))
                #expect(Time.now - pressed < 2)
            }
        }

        @Test func theChildrenDieWithTheirSupervisor() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 1_000_000_000))
                try training.directory.expectProgress()
                #expect(scene.living.count == 4)
                training.apus.killNow()
                try eventually("the children end", within: 15) { scene.living.isEmpty }
                // Nobody was left to clear the sockets away: the next one does.
                try #expect(Files.list(scene.runtime).count == 1)
                #expect(try scene.finish(.apus, ["train", "cartpole", "--runs", scene.runs] + endless(frames: 50_000)).exit == .code(0))
                try expectDone([scene.resume(training.directory, frames: training.directory.framesSoFar + 100_000)])
                try training.directory.expectSound()
            }
        }

        @Test func aLearnerThatWasStoppedResumes() throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 1_000_000_000))
                let (coordinator, learner, actor) = (try run.start(.coordinator), try run.start(.learner), try run.start(.actor))
                try run.directory.expectProgress(50_000)
                learner.signal(SIGTERM)
                try expectDone([learner], within: 15)
                let saved = try #require(try CheckpointStore(run.directory.checkpoints).latest())
                #expect(try LedgerCheck.run(run.directory.ledger).state.version == saved)
                usleep(300_000)
                #expect(actor.poll() == nil && coordinator.poll() == nil)

                let second = try run.start(.learner)
                try run.directory.expectProgress(50_000)
                #expect(second.errors.contains("resuming from checkpoint \(saved)"), "\(second.errors)")
                try run.stop(coordinator, [second, actor])
                try run.directory.expectSound()
                #expect(try LedgerCheck.run(run.directory.ledger).state.totals.rewound == 0)
            }
        }
    }
}
