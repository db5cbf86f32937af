import Glibc
import Platform
import Runs
import Testing

extension Cluster {
    /// kill −9 at any moment: the run completes, and its ledger proves that nothing was trained twice.
    @Suite struct KillTests {
        @Test(arguments: [Program.actor, .learner, .coordinator])
        func theSupervisorRestartsWhatWasKilled(victim: Program) throws {
            let (frames, kills) = (2_000_000, 3)
            try scene { scene in
                let training = try scene.train(endless(frames: frames) + ["--json"])
                try training.kill(victim, times: kills, over: frames)
                try expectDone([training.apus])
                try training.directory.expectSound(frames: UInt64(frames)...UInt64(frames) + 512)
                let ledger = try LedgerCheck.run(training.directory.ledger)
                #expect(victim != .learner || ledger.state.lives == kills + 1)
                #expect(victim != .actor || ledger.state.incarnations.count == kills + 1)
            }
        }

        @Test(arguments: [Program.actor, .learner, .coordinator])
        func aPersonRestartsWhatWasKilled(victim: Program) throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 1_000_000_000))
                var processes: [Program: Launched] = [:]
                for program in [Program.coordinator, .learner, .actor] { processes[program] = try run.start(program) }
                for _ in 0..<3 {
                    try run.directory.expectProgress(50_000)
                    usleep(UInt32.random(in: 0...100_000))
                    processes[victim]!.killNow()
                    if victim == .coordinator { try run.directory.expectLedgerGrowth() }
                    processes[victim] = try run.start(victim)
                    try run.directory.expectProgress(50_000)
                }
                try run.stop(processes[.coordinator]!, [processes[.learner]!, processes[.actor]!])
                try run.directory.expectSound()
            }
        }

        @Test(.enabled(if: getenv("APUS_LONG_TESTS") != nil, "a hundred kills take some minutes: set APUS_LONG_TESTS=1"))
        func aHundredKillsInOneRun() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 100_000_000_000) + ["--actors", "2"])
                // By turns: the supervisor gives a role up that dies six times in ten seconds.
                let victims = (0..<34).flatMap { _ in [Program.actor, .learner, .coordinator].shuffled() }
                for victim in victims {
                    try training.directory.expectProgress()
                    usleep(UInt32.random(in: 500_000...2_000_000))
                    try training.kill(victim)
                }
                try training.directory.expectProgress()
                training.apus.signal(SIGINT)
                try expectDone([training.apus])
                try training.directory.expectSound()
            }
        }
    }

    @Suite struct PauseTests {
        /// Longer than silence lasts before a member is taken for gone: it comes back all the same.
        @Test(arguments: zip([Program.actor, .coordinator, .learner], [4, 5, 4] as [UInt32]))
        func whoeverStoodStillGoesOn(victim: Program, seconds: UInt32) throws {
            try scene { scene in
                let training = try scene.train(
                    endless(frames: 1_000_000_000) + set(["learner.rollouts_per_update=2"]) + ["--actors", "2"])
                try training.directory.expectProgress(50_000)
                let pid = try #require(training.process(of: victim))
                kill(pid, SIGSTOP)
                if victim != .learner { try training.directory.expectLedgerGrowth() }
                sleep(seconds)
                kill(pid, SIGCONT)
                try training.directory.expectProgress(200_000)
                #expect(training.process(of: victim) != nil)
                training.apus.signal(SIGINT)
                try expectDone([training.apus])
                try training.directory.expectSound()
            }
        }
    }
}

extension RunDirectory {
    /// Training goes on, whether or not a coordinator keeps records.
    fileprivate func expectLedgerGrowth() throws {
        let before = try Files.read(ledger).count
        try eventually("the ledger grows", within: 10) { try Files.read(ledger).count > before + 3200 }
    }
}
