import Glibc
import Platform
import Runs
import Testing

extension Cluster {
    /// Files that were damaged between two lives of a run.
    @Suite struct DamageTests {
        enum Damage: String, CaseIterable { case weightsCutInHalf, manifestDamaged, latestDangling, latestMissing }

        @Test(arguments: Damage.allCases)
        func resumeTakesTheCheckpointBefore(damage: Damage) throws {
            try scene { scene in
                let training = try trained(scene)
                let store = CheckpointStore(training.directory.checkpoints)
                let versions = try store.versions()
                let (newest, before) = (try #require(versions.last), try #require(versions.dropLast().last))
                let folder = store.path(of: newest)
                switch damage {
                case .weightsCutInHalf:
                    let bytes = try Files.read("\(folder)/weights.safetensors")
                    try Files.write(Array(bytes.prefix(bytes.count / 2)), to: "\(folder)/weights.safetensors")
                case .manifestDamaged: try Files.write(Array("{\"version\":".utf8), to: "\(folder)/manifest.json")
                case .latestDangling: try Files.remove(folder)
                case .latestMissing: try Files.remove("\(training.directory.checkpoints)/latest")
                }
                try resume(training)
                let log = try learnerLog(training)
                if damage == .latestMissing {
                    #expect(log.contains("resuming from checkpoint \(newest):"), "\(log)")
                } else {
                    #expect(log.contains("resuming from checkpoint \(before):"), "\(log)")
                }
                if damage == .weightsCutInHalf || damage == .manifestDamaged {
                    #expect(log.contains("warning: the checkpoint is damaged") && log.contains("Use version \(before)"), "\(log)")
                }
            }
        }

        @Test func withoutAWholeCheckpointItSaysSoAndChangesNothing() throws {
            try scene { scene in
                let training = try trained(scene)
                let store = CheckpointStore(training.directory.checkpoints)
                for version in try store.versions() { try Files.write([1, 2, 3], to: "\(store.path(of: version))/weights.safetensors") }
                let ledger = try Files.read(training.directory.ledger)
                let end = try scene.finish(.apus, ["train", training.directory.path, "--resume"])
                #expect(end.exit == .code(1))
                #expect(end.errors.contains("is whole") && end.errors.contains("start a new run"), "\(end.errors)")
                #expect(try Files.read(training.directory.ledger) == ledger)
            }
        }

        @Test func aTornTailOfTheLedgerIsCutOff() throws {
            try scene { scene in
                let training = try trained(scene)
                let ledger = try Files.read(training.directory.ledger)
                try Files.write(ledger + [UInt8](repeating: 7, count: 13), to: training.directory.ledger)
                let check = try scene.finish(.apus, ["ledger", "check", training.directory.path])
                #expect(check.exit == .code(0) && check.output.contains("13 bytes of an unfinished record"), "\(check)")
                try resume(training)
                #expect(try Files.read(training.directory.ledger).starts(with: ledger))
            }
        }

        @Test func aLedgerDamagedInItsMidstIsNotBuiltUpon() throws {
            try scene { scene in
                let training = try trained(scene)
                var ledger = try Files.read(training.directory.ledger)
                ledger[ledger.count / 64 * 32 + 20] ^= 1
                try Files.write(ledger, to: training.directory.ledger)
                #expect(try scene.finish(.apus, ["ledger", "check", training.directory.path]).exit == .code(1))
                let end = try scene.finish(.apus, ["train", training.directory.path, "--resume"])
                #expect(end.exit == .code(1))
                #expect(end.errors.contains("of the ledger is damaged"), "\(end.errors)")
                #expect(end.errors.contains("Restore the file from a copy"), "\(end.errors)")
                #expect(try Files.read(training.directory.ledger) == ledger)
            }
        }

        // MARK: Parts

        /// A run that was interrupted, with some checkpoints.
        private func trained(_ scene: Scene) throws -> Training {
            let training = try scene.train(endless(frames: 1_000_000_000))
            let store = CheckpointStore(training.directory.checkpoints)
            try eventually("some checkpoints are written", within: 30) { try store.versions().count >= 3 }
            training.apus.signal(SIGINT)
            try expectDone([training.apus])
            return training
        }

        private func resume(_ training: Training) throws {
            let frames = training.directory.framesSoFar + 100_000
            try expectDone([training.scene.resume(training.directory, frames: frames)])
            try training.directory.expectSound(frames: frames...frames + 512)
        }

        private func learnerLog(_ training: Training) throws -> String {
            String(decoding: try Files.read("\(training.directory.log)/learner.log"), as: UTF8.self)
        }
    }
}
