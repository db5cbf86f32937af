import Glibc
import Platform
import Runs
import Testing

extension Cluster {
    /// The table of failures between hosts: each test is a row, or a way in which it happens.
    @Suite(.enabled(if: Hosts.canBeMade, "only root may make network namespaces")) struct HostsTests {
        private static let names = ["coordinator", "learner", "actor-a", "actor-b"]

        @Test func actorKilled() throws {
            try hosted(Self.names) { run in
                var members = try run.startAll(actors: ["actor-a", "actor-b"])
                members["actor-a"]!.killNow()
                let pause = try run.longestPause(during: 3)
                #expect(pause < 4, "learning stopped for \(pause) s")
                _ = try run.secondsUntil(members["coordinator"]!, says: "was lost", within: 5)
                members["actor-a"] = try run.start(.actor, on: "actor-a")
                _ = try run.secondsUntil(members["actor-a"]!, says: "slots of", within: 30)
                try run.directory.expectProgress(20_000)
                members["actor-a"]!.signal(SIGTERM)
                try expectDone([members["actor-a"]!])
                try run.finish(members, losing: true)
            }
        }

        /// Whoever starts a learner again need not wait until silence has told that the one before is dead.
        @Test func learnerKilled() throws {
            try hosted(Self.names) { run in
                var members = try run.startAll(actors: ["actor-a", "actor-b"])
                for _ in 0..<3 {
                    members["learner"]!.killNow()
                    members["learner"] = try run.start(.learner, on: "learner")
                    let seconds = try run.secondsToTraining(within: 20)
                    print("first update \(seconds) s after kill -9 of the learner, on another host than the coordinator")
                    #expect(seconds < 8)
                    try run.directory.expectProgress(20_000)
                }
                try run.finish(members)
            }
        }

        @Test func coordinatorKilled() throws {
            try hosted(Self.names) { run in
                var members = try run.startAll(actors: ["actor-a", "actor-b"])
                members["coordinator"]!.killNow()
                let pause = try run.longestPause(during: 3)
                #expect(pause < 4, "learning stopped for \(pause) s")
                members["coordinator"] = try run.start(.coordinator, on: "coordinator")
                try run.directory.expectProgress(20_000)
                try run.finish(members)
            }
        }

        /// Short: nobody is taken for gone. Long: everybody is, on both sides.
        @Test(arguments: [("actor-a", "learner"), ("actor-a", "coordinator"), ("learner", "coordinator")], [1, 7] as [UInt32])
        func cutBetweenTwo(pair: (String, String), seconds: UInt32) throws {
            try hosted(Self.names) { run in
                let members = try run.startAll(actors: ["actor-a", "actor-b"])
                try run.hosts.silence(pair.0, pair.1, true)
                if seconds > 5, pair.1 == "coordinator" {
                    let detection = try run.secondsUntil(members["coordinator"]!, says: "was lost: silent", within: 5)
                    print("\(pair.0) was known to be cut off after \(detection) s")
                }
                let pause = try run.longestPause(during: Double(seconds))
                #expect(pause < 4, "learning stopped for \(pause) s")
                try run.hosts.silence(pair.0, pair.1, false)
                try run.expectEverybodyBack(members["coordinator"]!)
                try run.directory.expectProgress(20_000)
                try run.finish(members)
            }
        }

        /// The only actor is cut off: training waits for it, and goes on when it is back.
        @Test(arguments: [1, 7] as [UInt32]) func streamGoesOnAfterACut(seconds: UInt32) throws {
            try hosted(["coordinator", "learner", "actor-a"]) { run in
                let members = try run.startAll(actors: ["actor-a"])
                try run.hosts.silence("actor-a", "learner", true)
                sleep(seconds)
                try run.hosts.silence("actor-a", "learner", false)
                let back = try run.secondsToTraining(within: 30)
                print("the stream went on \(back) s after a cut of \(seconds) s")
                #expect(back < 10)
                try run.directory.expectProgress(20_000)
                try run.finish(members)
            }
        }

        /// The cable of a whole host.
        @Test(arguments: ["actor-a", "learner", "coordinator"]) func cablePulled(host: String) throws {
            try hosted(Self.names) { run in
                let members = try run.startAll(actors: ["actor-a", "actor-b"])
                try run.hosts.plug(host, false)
                sleep(6)
                try run.hosts.plug(host, true)
                let back = try run.secondsToTraining(within: 30)
                print("training went on \(back) s after the cable of the \(host) was in again")
                try run.expectEverybodyBack(members["coordinator"]!)
                try run.directory.expectProgress(20_000)
                try run.finish(members)
            }
        }

        /// A learner stands still, another one takes its place, and the first goes on: it changes nothing any more.
        @Test func theFormerLearnerComesBack() throws {
            try hosted(["coordinator", "learner", "actor-a", "spare"]) { run in
                var members = try run.startAll(actors: ["actor-a"])
                let former = members["learner"]!
                former.signal(SIGSTOP)
                members["learner"] = try run.start(.learner, on: "spare")
                let seconds = try run.secondsToTraining(within: 20)
                print("another learner trained \(seconds) s after the first was stopped")
                try run.directory.expectProgress(20_000)
                former.signal(SIGCONT)
                #expect(try former.wait(within: 20) == .code(3))
                try run.directory.expectProgress(20_000)
                try run.finish(members)
            }
        }
    }
}

extension HostedRun {
    /// Every member that was taken for gone has come back.
    fileprivate func expectEverybodyBack(_ coordinator: Launched) throws {
        try eventually("all members are back", within: 20) {
            let text = coordinator.output + coordinator.errors
            return text.occurrences(of: "was lost") == text.occurrences(of: "is back")
        }
    }
}

extension String {
    fileprivate func occurrences(of text: String) -> Int {
        var (count, rest) = (0, self[...])
        while let range = rest.firstRange(of: text) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
