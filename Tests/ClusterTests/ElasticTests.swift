import Glibc
import Platform
import Runs
import Testing

extension Cluster {
    /// Actors come and go while a run goes on: 0 → 16 → 4 → 32.
    @Suite struct ElasticTests {
        @Test func actorsComeAndGoWithoutAPause() throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 1_000_000_000) + set(["actors.slots=8", "learner.rollouts_per_update=4"]))
                let (coordinator, learner) = (try run.start(.coordinator), try run.start(.learner))
                var tail = TrainingWatch(run.directory)
                var (here, gone): ([Launched], [Launched]) = ([], [])
                for count in [16, 4, 32] {
                    while here.count < count { here.append(try run.start(.actor)) }
                    while here.count > count {
                        gone.append(here.removeFirst())
                        gone.last!.signal(SIGTERM)
                    }
                    let pause = try tail.longestPause(during: 4)
                    print("\(count) actors: the longest time without an update was \(pause) s")
                    #expect(pause < 4)
                    try expectDone(gone)
                }
                try run.stop(coordinator, [learner] + here)
                try run.directory.expectSound(framesPerRollout: 128)
                let totals = try LedgerCheck.run(run.directory.ledger).state.totals
                #expect(totals.lost == 0)
                let share = Double(totals.trained) / Double(totals.terminal)
                print("\(totals.trained) of \(totals.terminal) rollouts were trained on, of actors that lived for seconds")
                #expect(share > 0.5)
            }
        }

        /// What an actor has made is handed over when it is asked to leave, also when the way to the learner has just broken.
        @Test func whoeverLeavesHandsOverWhatItMade() throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 1_000_000_000) + set(["learner.rollouts_per_update=2"]))
                let (coordinator, learner) = (try run.start(.coordinator), try run.start(.learner))
                let stays = try run.start(.actor)
                for _ in 0..<4 {
                    let leaves = try run.start(.actor)
                    try run.directory.expectProgress(20_000)
                    // The learner reads nothing while the actor is told to leave.
                    learner.signal(SIGSTOP)
                    leaves.signal(SIGTERM)
                    usleep(UInt32.random(in: 0...600_000))
                    learner.signal(SIGCONT)
                    try expectDone([leaves])
                }
                try run.stop(coordinator, [learner, stays])
                try run.directory.expectSound()
                #expect(try LedgerCheck.run(run.directory.ledger).state.totals.lost == 0)
            }
        }

        /// One actor with few credits, and an update that needs many more rollouts.
        @Test func oneActorMakesALargeUpdate() throws {
            try scene { scene in
                let training = try scene.train(
                    endless(frames: 200_000) + set(["actors.credits=1", "learner.rollouts_per_update=16"]) + ["--actors", "1"])
                try expectDone([training.apus])
                try training.directory.expectSound(frames: 200_000...208_192)
            }
        }
    }
}
