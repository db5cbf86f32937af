import Glibc
import Platform
import Runs
import Testing

extension Cluster {
    /// What a person may get wrong at the command line: an error that names the remedy, and nothing else harmed.
    @Suite struct RefusalTests {
        struct Mistake: CustomTestStringConvertible, Sendable {
            let program: Program
            let arguments: [String]
            /// What the error must say.
            let words: [String]

            init(_ program: Program, _ arguments: String, _ words: String...) {
                self.program = program
                self.arguments = arguments.split(separator: " ").map(String.init)
                self.words = words
            }

            var testDescription: String { "\(program.rawValue) \(arguments.joined(separator: " "))" }
        }

        @Test(arguments: [
            Mistake(.apus, "train cartpoel", "no preset or file named cartpoel", "Did you mean cartpole?"),
            Mistake(.apus, "train cartpole --set environment.id=CartPole-v2", "unknown environment", "\"CartPole-v1\""),
            Mistake(.apus, "train cartpole --set method.id=vtrase", "unknown method", "\"vtrace\""),
            Mistake(.apus, "train cartpole --set method.options.entrpy=1", "no option \"entrpy\"", "\"entropy\""),
            Mistake(.apus, "train cartpole --set learner.max_leg=1", "unknown key", "learner.max_lag"),
            Mistake(.apus, "train cartpole --set learner.max_lag=lots", "lots", "must be a whole number"),
            Mistake(.apus, "train cartpole --set network.activation=tahn", "tahn", "tanh or relu"),
            Mistake(.apus, "train cartpole --name ../elsewhere", "cannot be the name of a run", "Use letters"),
            Mistake(.coordinator, "--run cartpole --set stop.frames=many", "must be a whole number"),
            Mistake(.coordinator, "--run cartpole --bind tcp://0.0.0.0:7700", "other hosts", "--insecure"),
            Mistake(.coordinator, "--run cartpole --bind localhost", "localhost", "Write tcp://HOST:PORT"),
            Mistake(.learner, "--coordinator tcp://127.0.0.1:1 --bind 0.0.0.0", "other hosts", "--insecure"),
            Mistake(.actor, "--coordinator here", "here", "Write tcp://HOST:PORT"),
            Mistake(.actor, "--coordinator tcp://127.0.0.1:1 --slots 0", "--slots is 0", "1 to 65536"),
        ])
        func mistakesAreRefusedWithTheRemedy(mistake: Mistake) throws {
            try scene { scene in
                let folder = [.apus, .coordinator].contains(mistake.program) ? ["--runs", scene.runs] : []
                let end = try scene.finish(mistake.program, mistake.arguments + folder, within: 10)
                #expect(end.exit != .code(0))
                for words in mistake.words { #expect(end.errors.contains(words), "\(end.errors)") }
                #expect(try !Files.exists(scene.runs) || Files.list(scene.runs) == [])
            }
        }

        @Test func aRunThatExistsStaysAsItIs() throws {
            try scene { scene in
                try expectDone([try scene.train(endless(frames: 20_000)).apus])
                let ledger = try Files.read("\(scene.runs)/run/ledger")
                let again = try scene.train(endless(frames: 20_000)).apus
                #expect(try again.wait(within: 10) == .code(1))
                #expect(again.errors.contains("the run exists already") && again.errors.contains("--resume"), "\(again.errors)")
                let unclear = try scene.finish(.apus, ["train", "\(scene.runs)/run"])
                #expect(unclear.exit != .code(0) && unclear.errors.contains("give --resume"))
                let changed = try scene.finish(.coordinator, ["--run", "\(scene.runs)/run", "--set", "seed=3"])
                #expect(changed.exit != .code(0) && changed.errors.contains("run.yaml"))
                #expect(try Files.read("\(scene.runs)/run/ledger") == ledger)
            }
        }

        @Test func aRunInUseAndAPortInUseAreRefused() throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 1_000_000_000))
                let (coordinator, learner, actor) = (try run.start(.coordinator), try run.start(.learner), try run.start(.actor))
                try run.directory.expectProgress()

                let samePort = try scene.finish(
                    .coordinator, ["--run", "cartpole", "--runs", scene.runs, "--name", "other", "--bind", run.address])
                #expect(samePort.exit == .code(1))
                #expect(samePort.errors.contains("cannot listen on \(run.address)") && samePort.errors.contains("choose another port"))
                #expect(try Files.list(scene.runs) == ["run"])

                let sameRun = try scene.finish(.coordinator, ["--run", run.directory.path, "--bind", "tcp://127.0.0.1:*"])
                #expect(sameRun.exit == .code(1))
                #expect(sameRun.errors.contains("the run is in use by process \(coordinator.pid)"), "\(sameRun.errors)")

                try run.directory.expectProgress(50_000)
                try run.stop(coordinator, [learner, actor])
                try run.directory.expectSound()
            }
        }

        /// Actors need to know what network the method acts with: a coordinator that does not know the method does not lead.
        @Test func aCoordinatorRefusesAMethodThatItDoesNotKnow() throws {
            try scene { scene in
                let coordinator = try HandRun(scene, set(["method.id=vtrase"])).start(.coordinator)
                #expect(try coordinator.wait(within: 10) == .code(1))
                #expect(coordinator.errors.contains("Did you mean \"vtrace\"?"), "\(coordinator.errors)")
            }
        }

        /// The coordinator does not know which environments its members were built with: they say so themselves.
        @Test func aLearnerRefusesAnEnvironmentThatItDoesNotKnow() throws {
            try scene { scene in
                let run = try HandRun(scene, set(["environment.id=CartPole-v2"]))
                let (coordinator, learner) = (try run.start(.coordinator), try run.start(.learner))
                #expect(try learner.wait(within: 10) == .code(1))
                #expect(learner.errors.contains("\"CartPole-v1\""), "\(learner.errors)")
                #expect(coordinator.poll() == nil)
                coordinator.signal(SIGTERM)
                try expectDone([coordinator], within: 15)
            }
        }
    }
}
