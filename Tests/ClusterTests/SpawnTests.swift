import Glibc
import Platform
import Testing
import Wire

/// `apus spawn` over a real sshd on this machine.
@Suite(.serialized, .enabled(if: SSHServer.isAvailable, "needs sshd: apt-get install openssh-server"))
struct SpawnTests {
    /// The words of a spawn to this machine.
    private func words(_ server: SSHServer, _ scene: Scene, coordinator: String, hosts: String) -> [String] {
        let program = (try? Program.actor.path()) ?? ""
        return ["spawn", "--coordinator", coordinator, "--hosts", hosts, "--folder", "\(scene.folder)/remote", "--program", program] + server.options()
    }

    private func endless(_ scene: Scene, keys: KeyFolder? = nil) throws -> HandRun {
        try HandRun(scene, set(["stop.return=null", "stop.frames=100000000000", "stop.evaluation_episodes=0"]), keys: keys)
    }

    @Test func actorsAreStartedKeptAndEnded() throws {
        try scene { scene in
            let (run, server) = (try endless(scene), try SSHServer(scene))
            let (coordinator, learner) = (try run.start(.coordinator), try run.start(.learner))
            let words = words(server, scene, coordinator: run.address, hosts: "127.0.0.1:2")
            let spawn = try scene.start(.apus, words)
            try eventually("two actors act", within: 60) { try run.count(.actor) == 2 }

            // Again: only the missing one starts, and nothing is copied.
            let more = try scene.finish(.apus, self.words(server, scene, coordinator: run.address, hosts: "127.0.0.1:3") + ["--detach", "--json"], within: 60)
            let host = try #require(try JSON.parse(Array(more.output.utf8), place: "spawn")["hosts"]?.array?.first)
            #expect(more.exit == .code(0) && host["started"]?.integer == 1 && host["running"]?.integer == 3 && host["copied"] == .bool(false))
            try eventually("three actors act", within: 60) { try run.count(.actor) == 3 }

            // A dead one is started again.
            let victim = try #require(try run.status().members.first { $0.role == .actor })
            kill(pid_t(victim.pid), SIGKILL)
            try eventually("another has its place", within: 60) {
                let actors = try run.status().members.filter { $0.role == .actor }
                return actors.count == 3 && !actors.contains { $0.pid == victim.pid }
            }

            // The connection is cut: the actors go on, and so does their log.
            let before = Set(try run.status().members.filter { $0.role == .actor }.map(\.pid))
            server.cut()
            try eventually("it is connected again", within: 60) { spawn.output.contains("connected again") }
            #expect(Set(try run.status().members.filter { $0.role == .actor }.map(\.pid)) == before)
            try eventually("its log is there", within: 20) { spawn.output.contains("was killed by signal 9; it is started again") }
            #expect(spawn.output.components(of: "is process \(before.min()!)\n") == 1, "every line comes once")

            spawn.signal(SIGTERM)
            #expect(try spawn.wait(within: 60) == .code(0))
            #expect(spawn.output.contains("3 actors stopped"))
            try eventually("no actor is left", within: 20) { try run.count(.actor) == 0 }
            try run.stop(coordinator, [learner])
            try server.stop()
        }
    }

    /// The run's end is the end of the spawn; a keeper that is killed takes its actors along, and others take their place.
    @Test func theRunsEndIsTheEnd() throws {
        try scene { scene in
            let (run, server) = (try endless(scene), try SSHServer(scene))
            let (coordinator, learner) = (try run.start(.coordinator), try run.start(.learner))
            let spawn = try scene.start(.apus, words(server, scene, coordinator: run.address, hosts: "127.0.0.1:2") + ["--json"])
            try eventually("two actors act", within: 60) { try run.count(.actor) == 2 }
            let actors = Set(try run.status().members.filter { $0.role == .actor }.map(\.pid))
            let keeper = try #require(ProcessTable.all.first { $0.arguments.contains("--keeper") && $0.arguments.contains { $0.contains(scene.folder) } })
            kill(keeper.pid, SIGKILL)
            try eventually("others act", within: 60) {
                let others = Set(try run.status().members.filter { $0.role == .actor }.map(\.pid))
                return others.count == 2 && others.isDisjoint(with: actors)
            }
            try run.stop(coordinator, [learner])
            #expect(try spawn.wait(within: 60) == .code(0))
            let host = try #require(try JSON.parse(Array(spawn.output.utf8), place: "spawn")["hosts"]?.array?.first)
            #expect(host["state"]?.string == "done" && host["running"]?.integer == 0)
            try server.stop()
        }
    }

    /// Every host's actors come under a key of their own, which nobody else can read there; the coordinator's own key goes nowhere.
    @Test func eachHostComesUnderAKeyOfItsOwn() throws {
        try scene { scene in
            let authority = try scene.authority()
            let (run, server) = (try endless(scene, keys: authority), try SSHServer(scene))
            let (coordinator, learner) = (try run.start(.coordinator), try run.start(.learner))
            // Two names of one host are two hosts.
            let user = String(cString: getpwuid(getuid()).pointee.pw_name)
            let words = words(server, scene, coordinator: run.address, hosts: "127.0.0.1:2,\(user)@127.0.0.1") + ["--keys", authority.path]
            let spawn = try scene.start(.apus, words)
            try eventually("three actors act", within: 60) { try run.count(.actor) == 3 }
            let identities = try run.status().members.filter { $0.role == .actor }.compactMap { $0.identity?.name }
            let names = try Files.list("\(authority.path)/hosts").sorted()
            #expect(names.count == 2 && Set(identities) == Set(names) && identities.count == 3, "\(identities) \(names)")

            // On the hosts: each has its own secret, for its user alone.
            let found = try scene.start("/usr/bin/find", ["\(scene.folder)/remote", "-name", "*.secret", "-printf", "%m %p\\n"])
            try found.wait(within: 10)
            let files = found.output.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
            #expect(files.count == 2 && files.allSatisfy { $0[0] == "600" }, "\(found.output)")
            let secrets = try names.map { try Files.read("\(authority.path)/hosts/\($0)/identity.secret") }
            #expect(Set(try files.map { try Files.read($0[1]) }) == Set(secrets) && Set(secrets).count == 2)
            // A process' arguments can be read by everybody on its host.
            let keyWords = secrets.flatMap { String(decoding: $0, as: UTF8.self).split(whereSeparator: \.isWhitespace).filter { $0.count == 40 } }
            #expect(keyWords.count == 4 && !ProcessTable.all.contains { entry in entry.arguments.contains { text in keyWords.contains { text.contains($0) } } })

            // Again: the identities stay, and nothing starts.
            let again = try scene.finish(.apus, words + ["--detach", "--json"], within: 60)
            let hosts = try #require(try JSON.parse(Array(again.output.utf8), place: "spawn")["hosts"]?.array)
            #expect(again.exit == .code(0) && hosts.allSatisfy { $0["started"]?.integer == 0 }, "\(again.output)\(again.errors)")
            #expect(try names.map { try Files.read("\(authority.path)/hosts/\($0)/identity.secret") } == secrets)

            try run.directory.expectProgress(20_000)
            try run.stop(coordinator, [learner])
            #expect(try spawn.wait(within: 60) == .code(0), "\(spawn.said)")
            try run.directory.expectSound()
            try server.stop()
        }
    }

    /// Killed, `apus spawn` cannot end anything: its actors go on, and the same command takes them over.
    @Test func whatAKilledSpawnLeavesIsTakenOver() throws {
        try scene { scene in
            let (run, server) = (try endless(scene), try SSHServer(scene))
            let (coordinator, learner) = (try run.start(.coordinator), try run.start(.learner))
            let words = words(server, scene, coordinator: run.address, hosts: "127.0.0.1:2")
            let spawn = try scene.start(.apus, words)
            try eventually("two actors act", within: 60) { try run.count(.actor) == 2 }
            let actors = Set(try run.status().members.filter { $0.role == .actor }.map(\.pid))
            spawn.killNow()
            let next = try scene.start(.apus, words)
            try eventually("it is connected", within: 60) { next.output.contains("2 ran already") }
            #expect(Set(try run.status().members.filter { $0.role == .actor }.map(\.pid)) == actors)
            next.signal(SIGTERM)
            #expect(try next.wait(within: 60) == .code(0))
            #expect(next.output.contains("2 actors stopped"), "\(next.said)")
            try run.stop(coordinator, [learner])
            try server.stop()
        }
    }

    /// `--detach` leaves them running, `--stop` ends them.
    @Test func stopEndsWhatWasDetached() throws {
        try scene { scene in
            let server = try SSHServer(scene)
            let words = words(server, scene, coordinator: "tcp://127.0.0.1:\(try scene.freePort())", hosts: "127.0.0.1:2")
            let detached = try scene.finish(.apus, words + ["--detach"], within: 60)
            #expect(detached.exit == .code(0) && detached.output.contains("2 actors started"))
            #expect(detached.output.contains("the coordinator cannot be reached from there"), "\(detached.output)")
            #expect(ProcessTable.all.filter { $0.arguments.contains { $0.contains("\(scene.folder)/remote") } }.count >= 1)
            let stopped = try scene.finish(.apus, words + ["--stop"], within: 60)
            #expect(stopped.exit == .code(0) && stopped.output.contains("2 actors stopped"))
            let again = try scene.finish(.apus, words + ["--stop"], within: 60)
            #expect(again.exit == .code(0) && again.output.contains("nothing runs"))
            // The log of this run goes on behind that of the one before.
            let spawn = try scene.start(.apus, words)
            try eventually("the new log comes", within: 60) { spawn.output.contains("keeper  actor 1 is process") }
            spawn.signal(SIGINT)
            #expect(try spawn.wait(within: 60) == .code(0))
            try server.stop()
        }
    }

    @Test func whatIsWrongIsNamed() throws {
        try scene { scene in
            let server = try SSHServer(scene)
            let coordinator = "tcp://127.0.0.1:\(try scene.freePort())"
            func spawn(_ more: [String], host: String = "127.0.0.1", key: String = "user") throws -> Scene.End {
                try scene.finish(
                    .apus, ["spawn", "--coordinator", coordinator, "--hosts", host, "--detach"] + more + server.options(key: key), within: 60)
            }
            let folder = ["--folder", "\(scene.folder)/remote"]
            func expect(_ end: Scene.End, _ says: String) {
                #expect(end.exit == .code(1) && end.output.contains(says), "\(end.output)\(end.errors)")
            }
            expect(try spawn(folder, key: "stranger"), "permission denied")
            expect(try spawn(folder + ["--ssh-option", "HostKeyAlias=nobody", "--ssh-option", "StrictHostKeyChecking=yes"]), "host key")
            expect(try spawn(["--folder", "/proc/apus"]), "cannot write in /proc/apus")
            // A program that lacks a library says so as the loader does.
            let broken = "\(scene.folder)/apus-actor-broken"
            let line = "error while loading shared libraries: libzmq.so.5: cannot open shared object file: No such file or directory"
            try Files.write(Array("#!/bin/sh\necho 'x: \(line)' >&2\nexit 127\n".utf8), to: broken)
            expect(try spawn(folder + ["--program", broken]), "apt-get install libzmq5")
            // Nothing has been started: no command of a dry run is run either.
            let dry = try scene.finish(.apus, ["spawn", "--coordinator", "tcp://10.1.2.3:7700", "--hosts", "127.0.0.1,nowhere.invalid", "--dry-run"] + server.options())
            #expect(dry.exit == .code(0) && dry.output.contains("sh -s") && dry.output.contains("nowhere.invalid"))
            let remote = try scene.finish(.apus, ["spawn", "--coordinator", coordinator, "--hosts", "elsewhere", "--dry-run"])
            #expect(remote.exit == .code(1) && remote.errors.contains("loopback"))
            try server.stop()
            expect(try spawn(folder), "cannot be reached")
        }
    }
}

extension String {
    /// How often a part occurs.
    fileprivate func components(of part: String) -> Int { split(separator: part, omittingEmptySubsequences: false).count - 1 }
}
