import Glibc
import Platform
import Testing
import Wire

/// `apus spawn --slurm` with a real Slurm of two nodes, and keys.
@Suite(.serialized, .enabled(if: SlurmCluster.isAvailable, "needs root and: apt-get install slurmctld slurmd slurm-client munge"))
struct SlurmTests {
    @Test func anArrayOfActorsComesAndGoes() throws {
        try scene { scene in
            let slurm = try SlurmCluster(scene)
            let authority = try scene.authority()
            let settings = set(["stop.return=null", "stop.frames=100000000000", "stop.evaluation_episodes=0"])
            let run = try HandRun(scene, settings, keys: authority)
            let (coordinator, learner) = (try run.start(.coordinator), try run.start(.learner))
            let answer = try slurm.ask([
                Program.apus.path(), "spawn", "--slurm", "-n", "2", "--coordinator", run.address, "--logs", "\(scene.folder)/logs", "--json",
                "--keys", authority.path,
            ])
            let job = try #require(try JSON.parse(Array(answer.utf8), place: "spawn")["job"]?.string)
            try eventually("two actors act", within: 60) { try run.count(.actor) == 2 }
            #expect(try slurm.count(job, "RUNNING") == 2)
            // The nodes share a file system: the cluster has one identity.
            #expect(try run.status().members.filter { $0.role == .actor }.map { $0.identity?.name } == ["slurm", "slurm"])

            // What Slurm does before the time is up: the actor leaves in order, the job goes back to the queue.
            _ = try slurm.ask(["scancel", "--batch", "--signal=USR1", "\(job)_0"])
            try eventually("it is back in the queue", within: 60) { try slurm.count(job, "PENDING") >= 1 && run.count(.actor) <= 1 }

            // A job that is cancelled lets its actor leave.
            _ = try slurm.ask(["scancel", job])
            try eventually("the queue is empty", within: 60) { try slurm.ask(["squeue", "--noheader"]).isEmpty }
            try eventually("nobody acts", within: 60) { try run.count(.actor) == 0 }
            let log = String(decoding: try Files.read("\(scene.folder)/logs/actor-\(job)_1.log"), as: UTF8.self)
            #expect(log.contains("interrupted"), "\(log)")
            try run.stop(coordinator, [learner])
            try slurm.stop()
        }
    }
}
