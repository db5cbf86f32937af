import Glibc
import Platform
import Runs
import Testing
import Wire

extension Cluster {
    /// Faults are made, and `apus why` must name the culprit.
    @Suite struct WhyTests {
        private static let quiet = endless(frames: 1_000_000_000)

        /// A run by hand, its learner behind an address of its own when `relayed`.
        private func start(_ run: HandRun, _ programs: [Program] = [.coordinator, .learner, .actor]) throws -> [Program: Launched] {
            var processes: [Program: Launched] = [:]
            for program in programs { processes[program] = try run.start(program) }
            return processes
        }

        /// Stops, kills, and lets go on: one after the other in one run.
        @Test func stoppedAndDeadProcesses() throws {
            try scene { scene in
                let run = try HandRun(scene, Self.quiet)
                var processes = try start(run)
                try run.directory.expectProgress(50_000)
                func healthy() throws {
                    try eventually("nothing is wrong again", within: 30) { try ["learner_bound", "actor_bound"].contains(scene.why(run.directory.path).cause) }
                }
                try healthy()
                for (program, culprit) in [(Program.actor, "actor 0.0"), (.learner, "learner 0.1")] {
                    processes[program]!.signal(SIGSTOP)
                    try scene.expectCulprit("stopped_member", culprit, of: run.directory.path)
                    // After the coordinator has given it up, too.
                    if program == .actor {
                        try eventually("the actor is given up", within: 20) { try run.count(.actor) == 0 }
                        try scene.expectCulprit("stopped_member", culprit, of: run.directory.path)
                    }
                    processes[program]!.signal(SIGCONT)
                    try healthy()
                }
                processes[.coordinator]!.signal(SIGSTOP)
                try scene.expectCulprit("coordinator_stopped", of: run.directory.path)
                processes[.coordinator]!.signal(SIGCONT)
                try healthy()
                processes[.actor]!.killNow()
                try scene.expectCulprit("dead_member", "actor 0.0", of: run.directory.path)
                processes[.actor] = try run.start(.actor)
                try healthy()
                processes[.coordinator]!.killNow()
                try scene.expectCulprit("coordinator_gone", of: run.directory.path)
                processes[.coordinator] = try run.start(.coordinator)
                try healthy()
                try run.stop(processes[.coordinator]!, [processes[.learner]!, processes[.actor]!])
            }
        }

        @Test func aHungEnvironment() throws {
            try scene { scene in
                let worker = Files.parent(of: try Program.apus.path()) + "/faulty-worker"
                let run = try HandRun(
                    scene, Self.quiet + set(["environment.id=worker:\(worker) late 3000 1", "environment.options.step_deadline=8", "actors.slots=4", "stop.evaluation_episodes=0"]))
                let processes = try start(run)
                let why = try scene.expectCulprit("hung_environment", "the environment of actor 0.0", of: run.directory.path, within: 40)
                #expect(why.sentence.contains("slots 0 to 3") && why.sentence.contains("killed after 8.0 s"), "\(why.sentence)")
                // The worker is killed, and the run goes on.
                try run.directory.expectProgress(1000)
                try run.stop(processes[.coordinator]!, [processes[.learner]!, processes[.actor]!])
            }
        }

        /// An environment inside the actor's process, which nobody but the kernel can end.
        @Test func aHungNativeEnvironment() throws {
            try scene { scene in
                let program = Files.parent(of: try Program.apus.path()) + "/proof-program"
                let address = "tcp://127.0.0.1:\(try scene.freePort())"
                let settings = Self.quiet + set(["environment.id=Standstill-v0", "actors.slots=4", "stop.evaluation_episodes=0"])
                let coordinator = try scene.start(
                    program, ["coordinator", "--run", "cartpole", "--runs", scene.runs, "--name", "run", "--bind", address] + settings)
                let learner = try scene.start(program, ["learner", "--coordinator", address, "--runs", scene.runs])
                let file = "\(scene.folder)/stand-still"
                let actor = try scene.start(program, ["actor", "--coordinator", address], environment: ["APUS_STANDSTILL=\(file)"])
                let directory = RunDirectory(path: "\(scene.runs)/run")
                try directory.expectProgress(5000)
                try Files.write([], to: file)
                let why = try scene.expectCulprit("hung_environment", "the environment of actor 0.0", of: directory.path)
                #expect(why.sentence.contains("Standstill-v0"), "\(why.sentence)")
                actor.killNow()
                coordinator.signal(SIGTERM)
                try expectDone([coordinator, learner])
            }
        }

        /// The only actor comes with a key that is not allowed: that is why nobody acts.
        @Test func aWrongKey() throws {
            try scene { scene in
                let authority = try scene.authority()
                let run = try HandRun(scene, Self.quiet, keys: authority)
                let processes = try start(run, [.coordinator, .learner])
                try eventually("the learner is there", within: 20) { try run.count(.learner) == 1 }
                let stranger = KeyFolder(path: "\(scene.folder)/stranger")
                let key = try stranger.create(name: "stranger", coordinator: authority.load().identity.publicKey).publicKey
                let actor = try run.start(.actor, keys: stranger)
                let why = try scene.expectCulprit("wrong_key", "the key \(key)", of: run.directory.path, keys: authority)
                #expect(why.sentence.contains("127.0.0.1") && why.sentence.contains("not allowed"), "\(why.sentence)")
                #expect(try actor.wait(within: 20) == .code(3))
                // Allowed, it acts, and the culprit is forgotten.
                try authority.allow(AllowedKey(name: "stranger", key: key, roles: .actor))
                let again = try run.start(.actor, keys: stranger)
                try eventually("nothing is wrong any more", within: 40) {
                    try ["learner_bound", "actor_bound"].contains(scene.why(run.directory.path, keys: authority).cause)
                }
                try run.stop(processes[.coordinator]!, [processes[.learner]!, again])
            }
        }

        /// The learner is slower than two actors: it is said who limits.
        @Test func aFullQueue() throws {
            try scene { scene in
                let run = try HandRun(scene, Self.quiet + set(["method.id=ppo", "method.options.epochs=50"]))
                var processes = try start(run)
                processes[.apus] = try run.start(.actor)
                let why = try scene.expectCulprit("learner_bound", of: run.directory.path)
                #expect(why.sentence.contains("wait for credit"), "\(why.sentence)")
                processes[.apus]!.signal(SIGTERM)
                try run.stop(processes[.coordinator]!, [processes[.learner]!, processes[.actor]!])
            }
        }

        @Test func aLimiterThatStarves() throws {
            try scene { scene in
                let run = try HandRun(
                    scene, Self.quiet + set([
                        "method.id=dqn", "actors.slots=2", "replay.minimum_steps=4000000", "replay.capacity_steps=4100000", "replay.saved=false",
                    ]))
                let processes = try start(run)
                let why = try scene.expectCulprit("limiter", of: run.directory.path)
                #expect(why.sentence.contains("more inserts"), "\(why.sentence)")
                try run.stop(processes[.coordinator]!, [processes[.learner]!, processes[.actor]!])
            }
        }

        /// One actor gets as many credits as an update needs, up to the contract's bound.
        @Test func exhaustedCredits() throws {
            try scene { scene in
                let run = try HandRun(scene, Self.quiet + set(["learner.rollouts_per_update=1100", "actors.slots=1", "actors.unroll=4"]))
                let processes = try start(run)
                let why = try scene.expectCulprit("exhausted_credits", "credits", of: run.directory.path)
                #expect(why.sentence.contains("may send 1024 rollouts") && why.sentence.contains("one update needs 1100"), "\(why.sentence)")
                try run.stop(processes[.coordinator]!, [processes[.learner]!, processes[.actor]!])
            }
        }

        /// The actor's connection to the coordinator is cut, that to the learner is not.
        @Test func aCutNetwork() throws {
            try scene { scene in
                let run = try HandRun(scene, Self.quiet)
                var processes = try start(run, [.coordinator, .learner])
                let (port, target) = (try scene.freePort(), UInt16(run.address.split(separator: ":").last!)!)
                let relay = try Relay(listeningOn: "127.0.0.1", port: port, to: target)
                defer { relay.end() }
                processes[.actor] = try scene.start(.actor, ["--coordinator", "tcp://127.0.0.1:\(port)"])
                try run.directory.expectProgress(50_000)
                relay.pass(.none)
                let why = try scene.expectCulprit("cut_link", "actor 0.0", of: run.directory.path)
                #expect(why.sentence.contains("its connection to the coordinator is cut"), "\(why.sentence)")
                relay.pass(.both)
                try eventually("the actor is back", within: 20) { try run.count(.actor) == 1 }
                try run.stop(processes[.coordinator]!, [processes[.learner]!, processes[.actor]!])
            }
        }

        /// What the learner sends to the actor is lost; the other direction works.
        @Test func aLostAcknowledgement() throws {
            try scene { scene in
                let run = try HandRun(scene, Self.quiet)
                var processes = [Program.coordinator: try run.start(.coordinator)]
                let learner = try scene.start(
                    .learner, ["--coordinator", run.address, "--runs", scene.runs, "--bind", "127.0.0.1", "--advertise", "127.0.0.2"])
                processes[.learner] = learner
                func port(_ what: String) -> UInt16? {
                    guard let place = learner.errors.firstRange(of: "\(what) on tcp://127.0.0.2:") else { return nil }
                    return UInt16(learner.errors[place.upperBound...].prefix { $0.isNumber })
                }
                try eventually("the learner listens", within: 20) { port("publishing weights") != nil }
                let relays = try ["listening for rollouts", "publishing weights"].map {
                    try Relay(listeningOn: "127.0.0.2", port: port($0)!, to: port($0)!)
                }
                defer { for relay in relays { relay.end() } }
                processes[.actor] = try run.start(.actor)
                try run.directory.expectProgress(50_000)
                relays[0].pass(.toServer)
                let why = try scene.expectCulprit("lost_acknowledgement", "the way from the learner to actor 0.0", of: run.directory.path)
                #expect(why.sentence.contains("which the learner has given"), "\(why.sentence)")
                for process in processes.values { process.killNow() }
            }
        }

        @Test func aSlowDiskAndAWrongClock() throws {
            try scene { scene in
                guard let library = try scene.slowHost() else { return print("skipped: no C compiler makes the library that slows a disk down") }
                let run = try HandRun(scene, Self.quiet)
                var processes = [Program.coordinator: try run.start(.coordinator)]
                let disk = "\(scene.folder)/disk-is-slow"
                processes[.learner] = try run.start(.learner, environment: ["LD_PRELOAD=\(library)", "SLOW_DISK=\(disk)"])
                processes[.actor] = try run.start(.actor, environment: ["LD_PRELOAD=\(library)", "CLOCK_AHEAD=-7200"])
                try run.directory.expectProgress(50_000)
                let clock = try scene.expectCulprit("clock_skew", of: run.directory.path)
                #expect(clock.sentence.contains("actor 0.0") && clock.sentence.contains("2 h 0 min behind"), "\(clock.sentence)")
                try Files.write([], to: disk)
                let why = try scene.expectCulprit("slow_disk", of: run.directory.path)
                #expect(why.sentence.contains("learner 0.1"), "\(why.sentence)")
                try Files.remove(disk)
                try run.stop(processes[.coordinator]!, [processes[.learner]!, processes[.actor]!])
            }
        }
    }
}
