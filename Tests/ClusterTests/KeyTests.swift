import Glibc
import Platform
import Runs
import Testing
import Wire

extension Cluster {
    /// Runs with keys: who is let in, who is not, and what both are told.
    @Suite struct KeyTests {
        @Test func aRunWithKeysTrainsAndNamesItsMembers() throws {
            try scene { scene in
                let keyed = try KeyedRun(scene)
                let (run, authority) = (keyed.run, keyed.authority)
                let status = try run.status()
                #expect(status.members.map { $0.identity?.name } == ["gpu-1", "authority"])
                let key = try KeyFolder(path: "\(scene.folder)/gpu-1").load().identity.publicKey
                #expect(status.members.first?.identity?.fingerprint == key.fingerprint)

                let shown = try scene.finish(.apus, ["status", "--coordinator", run.address, "--keys", authority.path])
                #expect(shown.exit == .code(0) && shown.output.contains("gpu-1"), "\(shown.output)\(shown.errors)")
                try keyed.finish()
                #expect(String(decoding: try Files.read("\(run.directory.path)/members.json"), as: UTF8.self).contains("gpu-1"))
            }
        }

        /// Every way to come with the wrong key, or with none, ends within seconds and says what to do; the run does not notice.
        @Test func whoHasNotTheRightKeyGetsNothing() throws {
            try scene { scene in
                let keyed = try KeyedRun(scene)
                let (run, authority) = (keyed.run, keyed.authority)

                let unknown = KeyFolder(path: "\(scene.folder)/unknown")
                let fingerprint = try unknown.create(name: "unknown", coordinator: authority.load().identity.publicKey).publicKey.fingerprint
                let astray = try scene.client("astray", of: authority, coordinator: KeyPair.make().publicKey)
                let status = ["status", "--coordinator", run.address]
                let actorOf = ["--coordinator", run.address]
                let strangers: [(Program, [String], String)] = [
                    (.actor, actorOf + ["--keys", unknown.path], "does not allow the key"),
                    (.actor, actorOf + ["--keys", astray.path], "it does not have the key"),
                    (.actor, actorOf, "demands a key"),
                    (.learner, actorOf + ["--runs", scene.runs, "--keys", unknown.path], "apus keys allow unknown"),
                    (.apus, status + ["--keys", unknown.path], "does not allow the key"),
                    (.apus, status + ["--keys", astray.path], "it does not have the key"),
                    (.apus, status, "demands a key"),
                ]
                let launched = try strangers.map { try scene.start($0.0, $0.1) }
                for (stranger, (program, _, words)) in zip(launched, strangers) {
                    #expect(try stranger.wait(within: 20) == .code(program == .apus ? 1 : 3))
                    #expect(stranger.errors.contains(words), "\(stranger.name): \(stranger.errors)")
                }
                let told = try run.status()
                #expect(told.rejected.contains { $0.fingerprint == fingerprint && $0.address.contains("127.0.0.1") })
                try eventually("the refusals are counted", within: 10) {
                    let gauges = try run.status().gauges
                    return (gauges.first { $0.name == "refused_keys" }?.value ?? 0) > 0
                        && (gauges.first { $0.name == "refused_handshakes" }?.value ?? 0) > 3
                }
                #expect(told.members.count == 2)
                try keyed.finish()
            }
        }

        /// A program with keys does not talk to a coordinator without.
        @Test func keysAreNotLeftOutSilently() throws {
            try scene { scene in
                let authority = try scene.authority()
                let run = try HandRun(scene, endless(frames: 1_000_000_000))
                let coordinator = try run.start(.coordinator)
                let actor = try run.start(.actor, keys: authority)
                #expect(try actor.wait(within: 20) == .code(3))
                #expect(actor.errors.contains("the coordinator has no key"), "\(actor.errors)")
                try run.stop(coordinator, [])
            }
        }

        @Test func aKeyWithoutTheRoleMayNotTakeIt() throws {
            try scene { scene in
                let authority = try scene.authority()
                let run = try HandRun(scene, endless(frames: 1_000_000_000), keys: authority)
                let coordinator = try run.start(.coordinator)
                let client = try scene.client("gpu-1", of: authority)
                let learner = try run.start(.learner, keys: client)
                #expect(try learner.wait(within: 20) == .code(3))
                #expect(learner.errors.contains("may not be the learner") && learner.errors.contains("--role learner"), "\(learner.errors)")
                let adjust = try scene.finish(
                    .apus, ["adjust", "--coordinator", run.address, "--max-lag", "3", "--keys", client.path])
                #expect(adjust.exit == .code(1) && adjust.errors.contains("--role command"), "\(adjust.errors)")
                let status = try scene.finish(.apus, ["status", "--coordinator", run.address, "--keys", client.path])
                #expect(status.exit == .code(0), "\(status.errors)")
                let allowed = try scene.finish(
                    .apus, ["adjust", "--coordinator", run.address, "--max-lag", "3", "--keys", authority.path])
                #expect(allowed.exit == .code(0), "\(allowed.errors)")
                try run.stop(coordinator, [])
            }
        }

        /// A key is allowed and another revoked while the run goes on: one comes in, the other is cut off within two seconds, and nothing is lost.
        @Test func allowAndRevokeWhileTheRunGoesOn() throws {
            try scene { scene in
                let keyed = try KeyedRun(scene)
                let (run, authority) = (keyed.run, keyed.authority)
                let second = try run.start(.actor, keys: scene.client("gpu-2", of: authority))
                try eventually("both act", within: 15) { try run.count(.actor) == 2 }

                let revoked = try scene.finish(.apus, ["keys", "revoke", "gpu-1", "--keys", authority.path])
                #expect(revoked.exit == .code(0), "\(revoked.errors)")
                let since = Time.now
                try eventually("the revoked actor is out", within: 8) { try run.count(.actor) == 1 }
                print("revoked actor out after \(Time.now - since) s")
                try run.directory.expectProgress(50_000)
                try eventually("the others are back", within: 15) { try run.status().members.map { $0.identity?.name } == ["gpu-2", "authority"] }
                #expect(try keyed.actor.wait(within: 30) == .code(3))
                #expect(keyed.actor.errors.contains("does not allow the key"), "\(keyed.actor.errors)")
                // Once more than the first time, now that everybody had to come back.
                try keyed.finish([keyed.learner, second])
            }
        }

        @Test func aSecretThatOthersCanReadIsRefused() throws {
            try scene { scene in
                let authority = try scene.authority()
                chmod("\(authority.path)/identity.secret", 0o644)
                let run = try HandRun(scene, endless(frames: 1_000_000_000), keys: authority)
                let coordinator = try run.start(.coordinator)
                #expect(try coordinator.wait(within: 10) == .code(1))
                #expect(coordinator.errors.contains("chmod 600"), "\(coordinator.errors)")
                #expect(!Files.exists(scene.runs))
            }
        }
    }
}
