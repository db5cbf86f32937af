import Glibc
import Runs
import Testing
import Wire

extension Cluster {
    @Suite struct StartingTests {
        @Test(arguments: [
            [Program.coordinator, .learner, .actor], [.coordinator, .actor, .learner], [.learner, .coordinator, .actor],
            [.learner, .actor, .coordinator], [.actor, .coordinator, .learner], [.actor, .learner, .coordinator],
        ])
        func anyOrderWillDo(order: [Program]) throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 300_000))
                var processes: [Launched] = []
                for program in order {
                    processes.append(try run.start(program))
                    usleep(150_000)
                }
                try expectDone(processes)
                try run.directory.expectSound(frames: 300_000...300_512)
                #expect(try scene.finish(.apus, ["ledger", "check", run.directory.path]).exit == .code(0))
            }
        }

        @Test func anActorJoinsLateAndLeavesEarly() throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 1_000_000_000))
                let (coordinator, learner, first) = (try run.start(.coordinator), try run.start(.learner), try run.start(.actor))
                try run.directory.expectProgress()
                let second = try run.start(.actor)
                try eventually("the second actor's rollouts arrive", within: 60) {
                    try run.status().members.contains { $0.pid == UInt32(second.pid) && $0["produced"] ?? 0 > 10 }
                }
                second.signal(SIGTERM)
                try expectDone([second], within: 15)
                try eventually("the second actor's place is free", within: 15) { try run.count(.actor) == 1 }
                try run.directory.expectProgress(10_000)
                try run.stop(coordinator, [learner, first])
                try run.directory.expectSound()
            }
        }

        @Test func anActorWithAWrongAddressWaitsAndSaysSo() throws {
            try scene { scene in
                let actor = try scene.start(.actor, ["--coordinator", "tcp://127.0.0.1:\(try scene.freePort())"])
                try eventually("it says what it waits for", within: 13) {
                    actor.errors.contains("waiting for a welcome from the coordinator at tcp://127.0.0.1:")
                }
                actor.signal(SIGTERM)
                try expectDone([actor], within: 15)
            }
        }

        @Test func aSecondLearnerWaitsAndDisturbsNobody() throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 1_000_000_000))
                let (coordinator, learner, actor) = (try run.start(.coordinator), try run.start(.learner), try run.start(.actor))
                try run.directory.expectProgress()
                let second = try run.start(.learner)
                try eventually("the second learner is told who has its place", within: 10) {
                    second.errors.contains("this run has a learner: process \(learner.pid)")
                }
                try run.directory.expectProgress(100_000)
                #expect(second.errors.split(separator: "\n").count < 5, "\(second.errors)")
                second.signal(SIGTERM)
                try expectDone([second], within: 15)
                try run.directory.expectProgress(100_000)
                try run.stop(coordinator, [learner, actor])
                #expect(try LedgerCheck.run(run.directory.ledger).state.lives == 1)
                try run.directory.expectSound()
            }
        }
    }
}
