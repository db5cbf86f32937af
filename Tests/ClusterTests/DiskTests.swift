import Glibc
import Platform
import Runs
import Testing

extension Cluster {
    /// File systems that take nothing, or nothing more.
    @Suite(.enabled(if: Disk.canBeMounted, "only root may mount file systems")) struct DiskTests {
        @Test func aFullDiskIsRefusedFromTheStart() throws {
            try scene { scene in
                try Disk.with("size=256k", at: scene.runs) {
                    _ = try? Files.write([UInt8](repeating: 0, count: 1 << 20), to: "\(scene.runs)/filling")
                    let end = try scene.train(["--set", "stop.frames=10000"]).apus
                    #expect(try end.wait(within: 10) == .code(1))
                    #expect(end.errors.contains("No space left on device") && end.errors.contains("Free space there"), "\(end.errors)")
                    #expect(try Files.list(scene.runs) == ["filling"])
                }
            }
        }

        @Test func aReadOnlyFolderIsRefused() throws {
            try scene { scene in
                try Disk.with("size=256k", at: scene.runs, readOnly: true) {
                    let end = try scene.train(["--set", "stop.frames=10000"]).apus
                    #expect(try end.wait(within: 10) == .code(1))
                    #expect(end.errors.contains("Read-only file system"), "\(end.errors)")
                    #expect(end.errors.contains("choose a --runs directory"), "\(end.errors)")
                }
            }
        }

        @Test func aLastCheckpointThatCannotBeWrittenIsNoSuccess() throws {
            try scene { scene in
                try Disk.with("size=20m", at: scene.runs) {
                    let training = try scene.train(endless(frames: 1_000_000_000) + set(["learner.checkpoint_seconds=1000"]))
                    try training.directory.expectProgress(50_000)
                    _ = try? Files.write([UInt8](repeating: 0, count: 40 << 20), to: "\(scene.runs)/filling")
                    training.apus.signal(SIGINT)
                    #expect(try training.apus.wait(within: 10) == .code(1))
                    #expect(training.apus.errors.contains("No space left on device"), "\(training.apus.errors)")
                }
            }
        }

        /// What fills the disk: checkpoints, or the ledger and the records between two of them.
        @Test(arguments: [0.1, 1000])
        func aDiskThatFillsUpEndsTheRunAndHarmsNothing(checkpointSeconds: Double) throws {
            try scene { scene in
                try Disk.with("size=300k", at: scene.runs) {
                    let training = try scene.train(
                        set([
                            "stop.return=null", "stop.frames=1000000000", "stop.evaluation_episodes=5", "metrics.every_seconds=0.05",
                            "learner.checkpoint_seconds=\(checkpointSeconds)",
                        ]))
                    #expect(try training.apus.wait(within: 60) == .code(1))
                    #expect(training.apus.errors.contains("No space left on device"), "\(training.apus.errors)")
                    #expect(training.apus.errors.contains("Free space there"))
                    let ledger = try LedgerCheck.run(training.directory.ledger)
                    #expect(ledger.isSound, "\(ledger.text)")
                    let store = CheckpointStore(training.directory.checkpoints)
                    let newest = try store.readNewestValid()
                    #expect(try (newest != nil) == (checkpointSeconds < 1) && newest?.checkpoint.version == store.latest())

                    // With space, it goes on from there.
                    try Disk.resize("size=20m", at: scene.runs)
                    let frames = training.directory.framesSoFar + 200_000
                    try expectDone([scene.resume(training.directory, frames: frames)])
                    try training.directory.expectSound(frames: frames...frames + 512)
                }
            }
        }
    }
}

/// Small file systems in memory.
private enum Disk {
    /// A container may be forbidden to mount even as root, so it is tried.
    static let canBeMounted: Bool = {
        let place = "/tmp/apus-mount-\(getpid())"
        guard geteuid() == 0, mkdir(place, 0o700) == 0 else { return false }
        defer { rmdir(place) }
        guard mount("tmpfs", place, "tmpfs", 0, "size=64k") == 0 else { return false }
        return umount(place) == 0
    }()

    static func with(_ options: String, at path: String, readOnly: Bool = false, _ body: () throws -> Void) throws {
        try Files.createDirectory(path)
        guard mount("tmpfs", path, "tmpfs", readOnly ? UInt(MS_RDONLY) : 0, options) == 0 else {
            throw Trouble("cannot mount \(path): \(String(cString: strerror(errno)))")
        }
        // Detached: what still holds a file there does not hold it up.
        defer { umount2(path, Int32(MNT_DETACH)) }
        try body()
    }

    static func resize(_ options: String, at path: String) throws {
        guard mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), options) == 0 else {
            throw Trouble("cannot resize \(path): \(String(cString: strerror(errno)))")
        }
    }
}
