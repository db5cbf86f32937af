import Glibc
import Platform
import Runs
import TestSupport
import Testing

@Suite struct CheckpointTests {
    /// Files whose bytes follow from the version, so that a mixture of two checkpoints is noticed.
    private static func files(_ version: UInt64, _ length: Int = 5000) -> [(name: String, bytes: [UInt8])] {
        [
            ("weights.safetensors", (0 ..< length).map { UInt8(truncatingIfNeeded: UInt64($0) &* 31 &+ version) }),
            ("state.json", [UInt8]("{\"version\":\(version)}".utf8)),
        ]
    }

    private static func isOf(_ version: UInt64, _ checkpoint: Checkpoint) -> Bool {
        checkpoint.version == version && checkpoint.files == Dictionary(uniqueKeysWithValues: files(version).map { ($0.name, $0.bytes) })
    }

    @Test func writesReadsAndLinks() throws {
        try inScratch { folder in
            let store = try CheckpointStore(writingTo: "\(folder)/checkpoints")
            #expect(try store.latest() == nil)
            #expect(try store.readNewestValid() == nil)
            for version in [UInt64(3), 7, 20] { try store.write(version: version, files: Self.files(version)) }
            try store.markBest(7)
            #expect(try store.versions() == [3, 7, 20])
            #expect(try store.latest() == 20)
            #expect(try store.best() == 7)
            #expect(Self.isOf(7, try store.read(7)))
            #expect(try Files.list(store.directory) == ["000000000003", "000000000007", "000000000020", "best", "latest"])
            #expect(try Files.readLink("\(store.directory)/latest") == "000000000020")
            #expect(throws: CheckpointError.missing(version: 9, directory: store.directory, existing: [3, 7, 20])) { try store.markBest(9) }
            #expect(throws: CheckpointError.missing(version: 9, directory: store.directory, existing: [3, 7, 20])) { try store.read(9) }
        }
    }

    @Test func danglingLinksFallBackToTheNewest() throws {
        try inScratch { folder in
            let store = try CheckpointStore(writingTo: folder)
            for version in [UInt64(1), 2, 3] { try store.write(version: version, files: Self.files(version)) }
            #expect(try store.best() == nil)
            try store.markBest(3)
            try Files.remove(store.path(of: 3))
            #expect(try store.latest() == 2)
            #expect(try store.best() == 2)
            try Files.remove("\(folder)/latest")
            #expect(try store.latest() == 2)
        }
    }

    @Test func pruneKeepsLatestAndBest() throws {
        try inScratch { folder in
            let store = try CheckpointStore(writingTo: folder)
            for version in 1 ... 6 { try store.write(version: UInt64(version), files: []) }
            try store.markBest(2)
            try store.prune(keep: 2)
            #expect(try store.versions() == [2, 5, 6])
            // A life that resumed from 5 undid 6: what it writes below is the latest, and 6 goes.
            try store.write(version: 5, files: Self.files(5))
            #expect(try store.latest() == 5)
            try store.prune(keep: 1)
            #expect(try store.versions() == [2, 5])
            #expect(Self.isOf(5, try store.read(5)))
        }
    }

    @Test func damageIsFoundAndPassedOver() throws {
        try inScratch { folder in
            let store = try CheckpointStore(writingTo: folder)
            for version in [UInt64(1), 2, 3, 4] { try store.write(version: version, files: Self.files(version)) }
            let file = { "\(store.path(of: $0))/weights.safetensors" }
            try Files.write(Array(try Files.read(file(4)).dropLast()), to: file(4))
            var bytes = try Files.read(file(3))
            bytes[1234] ^= 1
            try Files.write(bytes, to: file(3))
            let short = CheckpointError.damaged(file: file(4), expected: "5000 bytes", found: "4999 bytes", previous: 2)
            #expect(throws: short) { try store.read(4) }
            #expect(short.remedy == "Use version 2, the newest older checkpoint that is whole.")
            let altered = #expect(throws: CheckpointError.self) { try store.read(3) }
            guard case .damaged(file(3), let expected, let found, 2) = altered else {
                Issue.record("\(String(describing: altered))")
                return
            }
            #expect(expected.hasPrefix("CRC-32C ") && found.hasPrefix("CRC-32C ") && expected != found)
            let newest = try #require(try store.readNewestValid())
            #expect(Self.isOf(2, newest.checkpoint))
            #expect(newest.skipped == [short, altered])

            try Files.remove("\(store.path(of: 2))/state.json")
            #expect(
                throws: CheckpointError.damaged(
                    file: "\(store.path(of: 2))/state.json", expected: "13 bytes", found: "no file", previous: 1)
            ) {
                try store.read(2)
            }
            try Files.write([], to: "\(store.path(of: 1))/manifest.json")
            let none = #expect(throws: CheckpointError.self) { try store.readNewestValid() }
            guard case .noneValid(folder, let skipped) = none else {
                Issue.record("\(String(describing: none))")
                return
            }
            #expect(skipped.count == 4)
        }
    }

    @Test func openingForWritingRemovesLeftovers() throws {
        try inScratch { folder in
            try Files.createDirectory("\(folder)/.tmp-000000000009-1")
            try Files.write([1], to: "\(folder)/.tmp-000000000009-1/weights.safetensors")
            #expect(try CheckpointStore(folder).versions() == [])
            #expect(try Files.list(folder).count == 1)
            _ = try CheckpointStore(writingTo: folder)
            #expect(try Files.list(folder) == [])
        }
    }

    /// Children that write, mark, prune and replace in a loop are killed at random moments.
    @Test func killedWritersLeaveAValidLatest() throws {
        try inScratch { folder in
            let life: (Int) -> Void = { limit in
                guard let store = try? CheckpointStore(writingTo: folder) else { return }
                var version = ((try? store.latest()) ?? nil) ?? 0
                for _ in 0 ..< limit {
                    // Now and then a version that stands already, as after a resume from an older one.
                    version = version % 5 == 4 ? version - 1 : version + 1
                    guard (try? store.write(version: version, files: Self.files(version))) != nil else { return }
                    if version % 3 == 0 { try? store.markBest(version) }
                    try? store.prune(keep: 2)
                    if version % 5 == 3 { version += 2 }
                }
            }
            // How long a write takes, with its flushes, depends on the disk: the kills are spread over some of them.
            let start = Time.now
            life(12)
            let longest = UInt32(min((Time.now - start) / 12 * 6e6, 40_000))
            var dice = Dice(1)
            let reader = CheckpointStore(folder)
            var (leftovers, changes) = (0, 0)
            var last = try #require(try reader.latest())
            for _ in 0 ..< 200 {
                let child = try forked { life(.max) }
                usleep(UInt32.random(in: 0 ... longest, using: &dice))
                kill(child, SIGKILL)
                waitpid(child, nil, 0)
                leftovers += try Files.list(folder).contains { $0.hasPrefix(".tmp-") } ? 1 : 0
                let latest = try #require(try reader.latest())
                #expect(Self.isOf(latest, try reader.read(latest)))
                for version in try reader.versions() { #expect(Self.isOf(version, try reader.read(version))) }
                changes += latest != last ? 1 : 0
                last = latest
            }
            // The kills fell into the midst of writes, and writes were finished in between.
            #expect(leftovers > 10)
            #expect(changes > 3)
        }
    }

    /// A file system of one megabyte that fills up; needs the right to mount.
    @Test func fullDiskKeepsTheOldCheckpoint() throws {
        try inScratch { folder in
            guard mount("tmpfs", folder, "tmpfs", 0, "size=1m") == 0 else {
                print("fullDiskKeepsTheOldCheckpoint: skipped, this user may not mount a tmpfs: \(String(cString: strerror(errno)))")
                return
            }
            defer { umount(folder) }
            let store = try CheckpointStore(writingTo: "\(folder)/checkpoints")
            try store.write(version: 1, files: Self.files(1, 400_000))
            let error = #expect(throws: FileError.self) { try store.write(version: 2, files: Self.files(2, 900_000)) }
            #expect(error?.code == ENOSPC)
            #expect(error?.problem.contains("checkpoint 2 is not saved; the one before is untouched") == true)
            #expect(error?.remedy == "Free space there, or choose another --runs directory.")
            #expect(try store.latest() == 1)
            #expect(try store.read(1).files["weights.safetensors"] == Self.files(1, 400_000)[0].bytes)
            #expect(try Files.list(store.directory) == ["000000000001", "latest"])
            try store.write(version: 2, files: Self.files(2, 300_000))
            #expect(try store.latest() == 2)
        }
    }
}
