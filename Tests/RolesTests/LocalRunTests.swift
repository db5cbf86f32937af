import Coordinating
import Platform
import Runs
import Testing
import Wire

/// Whole runs with every role in this process.
@Suite(.serialized) struct LocalRunTests {
    /// What holds after every run.
    private func checkRecord(_ cluster: Cluster, frames: UInt64) throws {
        let ledger = try cluster.ledger
        #expect(ledger.isSound, "\(ledger.text)")
        #expect(ledger.state.open == 0)
        let metrics = try cluster.metrics
        #expect(metrics.last!.frames >= frames)
        #expect(zip(metrics, metrics.dropFirst()).allSatisfy { $0.time < $1.time && $0.frames <= $1.frames })
        #expect(try cluster.checkpoints.latest() == metrics.last!.version)
        #expect(ledger.state.version == metrics.last!.version)
        // Nothing is left where sockets were, and no address of a coordinator that is gone.
        #expect(try Files.list("\(cluster.folder)/sockets").isEmpty)
        #expect(!Files.exists("\(cluster.folder)/control"))
        #expect(!Files.exists("\(cluster.directory.path)/coordinator"))
    }

    @Test func oneActor() throws {
        let cluster = try Cluster { _ in }
        let (coordinator, learner, actor) = (cluster.coordinator(), cluster.learner(), cluster.actor())
        #expect(learner.end()?.description == "20000 frames are done")
        #expect(actor.end()?.isFinished == true)
        #expect(coordinator.end()?.description == "20000 frames are done")
        try checkRecord(cluster, frames: 20_000)
        let last = try cluster.metrics.last!
        for name in [
            "training_return", "evaluation_return", "policy_lag_mean", "loss", "gradient_norm", "frames_per_second", "learner_busy_share",
        ] {
            #expect(last.scalars.contains { $0.name == name }, "\(name) is not recorded")
        }
    }

    @Test func twoActorsShareTheWork() throws {
        let cluster = try Cluster {
            $0.stop.frames = 60_000
            $0.learner.rolloutsPerUpdate = 2
        }
        let (coordinator, first, second) = (cluster.coordinator(), cluster.actor(), cluster.actor())
        #expect(try cluster.status { $0.members.count == 2 } != nil)
        let learner = cluster.learner()
        for role in [learner, first, second, coordinator] { #expect(role.end()?.isFinished == true) }
        try checkRecord(cluster, frames: 60_000)
        let ledger = try cluster.ledger
        #expect(ledger.state.incarnations.count == 2)
        for (actor, progress) in ledger.state.incarnations { #expect(progress.counts.trained > 0, "\(actor)") }
    }

    @Test func everyOrderOfStartingWorks() throws {
        let cluster = try Cluster { _ in }
        let actor = cluster.actor()
        let learner = cluster.learner()
        #expect(actor.end(within: 0.2) == nil)
        let coordinator = cluster.coordinator()
        for role in [learner, actor, coordinator] { #expect(role.end()?.isFinished == true) }
        try checkRecord(cluster, frames: 20_000)
    }

    @Test(arguments: [1, 3]) func aLagOfZero(rolloutsPerUpdate: Int) throws {
        let cluster = try Cluster {
            $0.learner.maxLag = 0
            $0.learner.rolloutsPerUpdate = rolloutsPerUpdate
        }
        let roles = [cluster.coordinator(), cluster.actor(), cluster.actor(), cluster.learner()]
        for role in roles { #expect(role.end()?.isFinished == true) }
        try checkRecord(cluster, frames: 20_000)
        #expect(try cluster.ledger.state.totals.stale == 0)
        for record in try cluster.metrics {
            if let lag = record.scalars.first(where: { $0.name == "policy_lag_maximum" }) { #expect(lag.value == 0) }
        }
    }

    /// From a loose bound to none to a loose one again, while the run goes on.
    @Test func theBoundChangesWhileTheRunGoesOn() throws {
        let cluster = try Cluster {
            $0.learner.maxLag = 16
            $0.actors.credits = 8
            $0.stop.frames = 100_000_000
            $0.metrics.everySeconds = 0.05
        }
        let stop = Signal()
        let (coordinator, learner, actors) = (cluster.coordinator(stop), cluster.learner(), [cluster.actor(), cluster.actor()])
        let client = try StatusClient(coordinator: cluster.control, context: SocketContext())
        /// Whether a record with a lag that satisfies `condition` comes within ten seconds, after the changes before have passed through.
        func sees(_ condition: (Double) -> Bool) throws -> Bool {
            Poll.wait(sockets: [], descriptors: [], milliseconds: 300)
            return try cluster.status { $0.lastRecord?["policy_lag_maximum"].map(condition) ?? false } != nil
        }
        #expect(try sees { $0 > 0 })
        try client.adjust(maxLag: 0, timeout: 5)
        #expect(try sees { $0 == 0 })
        #expect(try cluster.directory.loadSpec().learner.maxLag == 0, "a resumed run keeps it")
        let version = try cluster.status { _ in true }?.lastRecord?.version ?? 0
        #expect(try cluster.status { $0.lastRecord?.version ?? 0 > version + 50 } != nil, "a bound of 0 does not stop the run")
        try client.adjust(maxLag: 16, timeout: 5)
        #expect(try sees { $0 > 0 })
        stop.interrupt()
        for role in [coordinator, learner] + actors { _ = role.end() }
        #expect(try cluster.ledger.isSound)
    }

    @Test func actorsComeAndGo() throws {
        let cluster = try Cluster { $0.stop.frames = 100_000_000 }
        let (leave, stop) = (Signal(), Signal())
        let (coordinator, learner, first) = (cluster.coordinator(stop), cluster.learner(), cluster.actor(leave))
        #expect(try cluster.status { ($0.lastRecord?.version ?? 0) > 20 } != nil)
        leave.interrupt()
        #expect(first.end()?.isInterrupted == true)
        let second = cluster.actor()
        let before = try cluster.status { $0.members.contains { $0.place == MemberPlace(rank: 0, incarnation: 1) } }!.lastRecord!.version
        #expect(try cluster.status { $0.lastRecord!.version > before + 20 } != nil)
        stop.interrupt()
        for role in [learner, second] { #expect(role.end()?.isFinished == true) }
        #expect(coordinator.end()?.isInterrupted == true)
        try checkRecord(cluster, frames: 1)
        #expect(try cluster.ledger.state.incarnations.count == 2)
    }

    @Test func aLearnerGoesOnWhereItStopped() throws {
        let cluster = try Cluster { $0.stop.frames = 100_000_000 }
        let (pause, stop) = (Signal(), Signal())
        let (coordinator, first, actor) = (cluster.coordinator(stop), cluster.learner(pause), cluster.actor())
        #expect(try cluster.status { ($0.lastRecord?.version ?? 0) > 50 } != nil)
        pause.interrupt()
        #expect(first.end()?.isInterrupted == true)
        let version = try cluster.checkpoints.latest()!
        let frames = try cluster.metrics.last!.frames
        let second = cluster.learner()
        #expect(try cluster.status { $0.lastRecord!.version > version + 50 } != nil)
        stop.interrupt()
        for role in [second, actor] { #expect(role.end()?.isFinished == true) }
        #expect(coordinator.end()?.isInterrupted == true)
        #expect(cluster.logged("resuming from checkpoint \(version): \(frames) frames"))
        try checkRecord(cluster, frames: frames)
        let ledger = try cluster.ledger.state
        #expect(ledger.lives == 2 && ledger.rewinds == 0)
        // The one actor lived through both lives: nothing of it was lost.
        #expect(ledger.incarnations.count == 1 && ledger.totals.lost <= 2)
    }

    @Test func aSecondLearnerWaitsAndASecondCoordinatorIsRefused() throws {
        let cluster = try Cluster { $0.stop.frames = 100_000_000 }
        let (leave, stop) = (Signal(), Signal())
        let (coordinator, first, actor) = (cluster.coordinator(stop), cluster.learner(leave), cluster.actor())
        #expect(try cluster.status { ($0.lastRecord?.version ?? 0) > 20 } != nil)
        let ending = cluster.coordinator().end()
        #expect(ending?.description.contains("the run is in use by process") == true)
        let giveUp = Signal()
        let second = cluster.learner(giveUp)
        #expect(second.end(within: 0.3) == nil)
        #expect(cluster.logged("this run has a learner"))
        giveUp.interrupt()
        #expect(second.end()?.isInterrupted == true)
        stop.interrupt()
        for role in [first, actor, coordinator] { #expect(role.end() != nil) }
        try checkRecord(cluster, frames: 1)
    }
}
