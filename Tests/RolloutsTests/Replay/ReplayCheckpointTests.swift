import Glibc
import Platform
import Rollouts
import Tensors
import TestSupport
import Testing

@Suite struct ReplayCheckpointTests {
    private static let shape = RolloutShape(observation: .bytes(shape: [3, 2], high: 255), action: .box(shape: [2]), steps: 5, maximumSlots: 3)

    private func inScratch<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = "/tmp/apus-replay-\(UInt32.random(in: 0 ... .max))"
        defer { try? Files.remove(folder) }
        return try body(folder)
    }

    private func settings(
        _ selector: ReplaySelector = .prioritized(alpha: 0.6), capacity: Int = 60_000, overlap: Int = 0, uses: Int? = nil
    ) -> ReplaySettings {
        ReplaySettings(capacityBytes: capacity, sequenceOverlap: overlap, selector: selector, maximumTimesSampled: uses, seed: 11)
    }

    /// Inserts, samples and sets priorities: what a learner does. The draws, as text.
    private func work(_ replay: ReplayBuffer, _ rollouts: [Rollout]) throws -> [String] {
        var log: [String] = []
        for (number, rollout) in rollouts.enumerated() {
            try replay.insert(rollout)
            guard replay.canSample(4) else { continue }
            let sample = try replay.sample(4, steps: 3, beta: 0.5)
            log.append("\(sample.batch.keys) \(sample.starts) \(sample.batch.weight.values) \(sample.batch.reward.values)")
            log.append("\(sample.batch.finalIndex) \(sample.batch.parts.map(\.version)) \(sample.batch.numbers(sample.batch.observation))")
            try replay.updatePriorities(keys: sample.batch.keys, priorities: (0..<4).map { Float(($0 + number) % 7) })
        }
        return log + ["\(replay.count) \(replay.limiter.counters) \(replay.maximumPriority) \(replay.staleUpdates)"]
    }

    private func rollouts(_ count: Int, actors: Int = 2) -> [Rollout] {
        let actors = (0..<actors).map { RecordedActor(Self.shape, actor: UInt32($0), slots: 3, seed: 4) }
        return (0..<count).map { actors[$0 * 7 % 3 % actors.count].rollout(version: UInt64($0)).rollout }
    }

    /// A restored replay makes the same draws as one that was never interrupted, in every mode, before and after the oldest are evicted.
    @Test func itGoesOnAsIfNothingHadHappened() throws {
        let modes: [ReplaySettings] = [
            settings(), settings(.uniform, overlap: 3), settings(.fifo, uses: 3), settings(.uniform, uses: 2), settings(overlap: 5),
        ]
        for (number, mode) in modes.enumerated() {
            for before in [0, 1, 9, 150] {
                let all = rollouts(before + 60)
                let whole = try ReplayBuffer(mode, shape: Self.shape)
                let first = try work(whole, Array(all[..<before]))
                try inScratch { folder in
                    let manifest = try ReplayStore(writingTo: folder).write(whole.snapshot())
                    let read = try ReplayManifest(json: manifest.json)
                    #expect(read == manifest)
                    let restored = try ReplayStore(folder).restore(read, mode, shape: Self.shape)
                    #expect(restored.count == whole.count && restored.limiter == whole.limiter)
                    let (a, b) = (try work(whole, Array(all[before...])), try work(restored, Array(all[before...])))
                    #expect(a == b, "mode \(number), after \(before): \(first.count)")
                }
            }
        }
    }

    /// What is written is the moment of the snapshot, whatever the replay did meanwhile.
    @Test func aSnapshotDoesNotChange() throws {
        let all = rollouts(400)
        let (replay, still) = (try ReplayBuffer(settings(), shape: Self.shape), try ReplayBuffer(settings(), shape: Self.shape))
        _ = try (work(replay, Array(all[..<100])), work(still, Array(all[..<100])))
        let snapshot = replay.snapshot()
        _ = try work(replay, Array(all[100...]))
        try inScratch { folder in
            let store = try ReplayStore(writingTo: folder)
            let manifest = try store.write(snapshot)
            #expect(try manifest == store.write(still.snapshot()))
            #expect(manifest.byteCount == snapshot.byteCount + 8 * manifest.sequences)
        }
    }

    /// Under new settings the new ones hold.
    @Test func newSettingsHold() throws {
        let replay = try ReplayBuffer(settings(), shape: Self.shape)
        _ = try work(replay, rollouts(100))
        try inScratch { folder in
            let manifest = try ReplayStore(writingTo: folder).write(replay.snapshot())
            let store = ReplayStore(folder)
            let small = try store.restore(manifest, settings(capacity: 20_000), shape: Self.shape)
            #expect(small.count > 20 && small.count < replay.count / 2 && small.limiter.size == small.count)
            #expect((1...300).filter { small.contains($0) } == Array(300 - UInt64(small.count) + 1...300))
            let few = try store.restore(manifest, ReplaySettings(capacityBytes: 60_000, maximumSequences: 10), shape: Self.shape)
            #expect(few.count == 10 && few.contains(291))
            // Priorities outlive a time under another selector.
            let uniform = try store.restore(manifest, settings(.uniform), shape: Self.shape)
            #expect(try uniform.sample(50, steps: 5).probabilities.allSatisfy { $0 == 1 / Double(replay.count) })
            let other = try inScratch { folder in
                let manifest = try ReplayStore(writingTo: folder).write(uniform.snapshot())
                return try ReplayStore(folder).restore(manifest, settings(), shape: Self.shape)
            }
            let (a, b) = (try other.sample(200, steps: 5), try replay.sample(200, steps: 5))
            let known = Dictionary(zip(b.batch.keys, b.probabilities)) { first, _ in first }
            for (key, probability) in zip(a.batch.keys, a.probabilities) { #expect(known[key] ?? probability == probability) }
            // Another limiter, the old counters.
            var limited = settings()
            limited.limiter = try RateLimiter(samplesPerInsert: 1, minimumSize: 5, errorBuffer: 1000)
            let restored = try store.restore(manifest, limited, shape: Self.shape)
            #expect(restored.limiter.counters == manifestCounters(replay) && restored.limiter.samplesPerInsert == 1)
            // Used up under the new maximum.
            let used = try store.restore(manifest, settings(uses: 1), shape: Self.shape)
            #expect(used.count < replay.count && used.limiter.size == used.count)
            // Overlapping now: all but each slot's first sequence.
            #expect(try store.restore(manifest, settings(overlap: 2), shape: Self.shape).count >= replay.count - 12)
            var shape = Self.shape
            shape.steps = 6
            #expect(throws: ReplayError.self) { try store.restore(manifest, settings(), shape: shape) }
        }
    }

    private func manifestCounters(_ replay: ReplayBuffer) -> RateLimiter.Counters {
        var counters = replay.limiter.counters
        counters.samples -= 200
        return counters
    }

    /// Full segments are written once; a file that no checkpoint needs is removed.
    @Test func segmentsAreSharedAndPruned() throws {
        try inScratch { folder in
            let replay = try ReplayBuffer(settings(), shape: Self.shape)
            let all = rollouts(300)
            let store = try ReplayStore(writingTo: folder)
            var manifests: [ReplayManifest] = []
            for round in 0..<10 {
                _ = try work(replay, Array(all[round * 30..<(round + 1) * 30]))
                let before = Set(try Files.list(folder))
                manifests.append(try store.write(replay.snapshot()))
                let new = Set(try Files.list(folder)).subtracting(before)
                #expect(new.filter { $0.hasPrefix("segment-") }.count < 40)
            }
            try store.prune(keepingThoseOf: [manifests[7]])
            let kept = try Files.list(folder).count
            #expect(try store.restore(manifests[7], settings(), shape: Self.shape).count > 0)
            #expect(try store.restore(manifests[9], settings(), shape: Self.shape).count > 0)
            #expect(throws: ReplayError.self) { try store.restore(manifests[0], settings(), shape: Self.shape) }
            try store.prune(keepingThoseOf: [])
            #expect(try Files.list(folder).count < kept)
            #expect(try store.restore(manifests[9], settings(), shape: Self.shape).count == replay.count)
            #expect(try store.manifest() == manifests[9])
        }
    }

    /// Whoever is killed while writing leaves a part under a temporary name; it is neither read nor kept.
    @Test func halfWrittenFilesAreNotTaken() throws {
        try inScratch { folder in
            let replay = try ReplayBuffer(settings(), shape: Self.shape)
            _ = try work(replay, rollouts(40))
            let manifest = try ReplayStore(writingTo: folder).write(replay.snapshot())
            let count = try Files.list(folder).count
            try Files.write([1, 2, 3], to: "\(folder)/.tmp-segment-9-1-2")
            #expect(try ReplayStore(folder).restore(manifest, settings(), shape: Self.shape).count == replay.count)
            _ = try ReplayStore(writingTo: folder)
            #expect(try Files.list(folder).count == count)
        }
    }

    /// Children that write and prune in a loop are killed at random moments: what the directory's manifest names is always whole.
    @Test func killedWritersLeaveAWholeCheckpoint() throws {
        try inScratch { folder in
            let replay = try ReplayBuffer(settings(), shape: Self.shape)
            let all = rollouts(120)
            let snapshots = try (0..<12).map { round in
                _ = try work(replay, Array(all[round * 10..<(round + 1) * 10]))
                return replay.snapshot()
            }
            let expected = try inScratch { other in
                let store = try ReplayStore(writingTo: other)
                return try snapshots.map { try store.write($0) }
            }
            let life: (Int) -> Void = { limit in
                guard let store = try? ReplayStore(writingTo: folder) else { return }
                for round in 0..<limit {
                    guard (try? store.write(snapshots[round % 12])) != nil, (try? store.prune(keepingThoseOf: [])) != nil else { return }
                }
            }
            let start = Time.now
            life(12)
            let longest = UInt32(min((Time.now - start) / 12 * 6e6, 60_000))
            var random = TestSupport.Dice(1)
            var (leftovers, seen) = (0, Set<Int>())
            for _ in 0..<80 {
                let child = try forked { life(.max) }
                usleep(UInt32.random(in: 0...longest, using: &random))
                kill(child, SIGKILL)
                waitpid(child, nil, 0)
                leftovers += try Files.list(folder).contains { $0.hasPrefix(".tmp-") } ? 1 : 0
                let store = ReplayStore(folder)
                let manifest = try store.manifest()
                seen.insert(try #require(expected.firstIndex(of: manifest)))
                #expect(try store.restore(manifest, settings(), shape: Self.shape).count > 0)
            }
            #expect(leftovers > 4 && seen.count > 2)
        }
    }

    /// Every file cut, altered or gone is an error that names it.
    @Test func damageIsNamed() throws {
        try inScratch { folder in
            let replay = try ReplayBuffer(settings(), shape: Self.shape)
            _ = try work(replay, rollouts(60))
            let store = try ReplayStore(writingTo: folder)
            let manifest = try store.write(replay.snapshot())
            var random = TestSupport.Dice(6)
            for name in try Files.list(folder) where name != "manifest.json" {
                let path = "\(folder)/\(name)"
                let good = try Files.read(path)
                var altered = good
                altered[random.below(good.count)] ^= 1
                for bad in [altered, Array(good.dropLast()), good + [0], []] {
                    try Files.write(bad, to: path, flush: false)
                    do {
                        _ = try store.restore(manifest, settings(), shape: Self.shape)
                        Issue.record("accepted")
                    } catch let error as ReplayError { #expect(error.kind == .damaged && error.place == path) }
                }
                try Files.remove(path)
                #expect(throws: ReplayError.self) { try store.restore(manifest, settings(), shape: Self.shape) }
                try Files.write(good, to: path, flush: false)
            }
        }
    }

    /// Random changes to the manifest, and to files whose checksum was made to fit: an error or a replay that works, never a crash.
    @Test func anythingMayStandInTheFiles() throws {
        try inScratch { folder in
            let replay = try ReplayBuffer(settings(overlap: 2), shape: Self.shape)
            _ = try work(replay, rollouts(12))
            let store = try ReplayStore(writingTo: folder)
            let manifest = try store.write(replay.snapshot())
            var random = TestSupport.Dice(7)
            for _ in 0..<3000 {
                var json = manifest.json
                mutate(&json, &random)
                guard let mutated = try? ReplayManifest(json: json) else { continue }
                if let restored = try? store.restore(mutated, settings(overlap: 2), shape: Self.shape) { try use(restored) }
            }
            let names = try Files.list(folder).filter { $0 != "manifest.json" }
            var restoredCount = 0
            for _ in 0..<1500 {
                let name = names[random.below(names.count)]
                let good = try Files.read("\(folder)/\(name)")
                var bytes = good
                for _ in 0..<1 + random.below(3) { bytes[random.below(min(bytes.count, 400))] = UInt8(random.below(256)) }
                let (old, new) = (CRC32C.hexadecimal(good), CRC32C.hexadecimal(bytes))
                try Files.write(bytes, to: "\(folder)/\(name)", flush: false)
                let text = String(decoding: manifest.json, as: UTF8.self).replacing("\"crc32c\":\"\(old)\"", with: "\"crc32c\":\"\(new)\"")
                if let restored = try? store.restore(ReplayManifest(json: Array(text.utf8)), settings(overlap: 2), shape: Self.shape) {
                    restoredCount += 1
                    try use(restored)
                }
                try Files.write(good, to: "\(folder)/\(name)", flush: false)
            }
            #expect(restoredCount > 100)
        }
    }

    private func use(_ replay: ReplayBuffer) throws {
        for rollout in rollouts(3) {
            try replay.insert(rollout)
            if replay.canSample(3) { _ = try replay.sample(3, steps: 4) }
        }
    }

    /// Recorded data as a source of its own.
    @Test func aDirectoryIsADataset() throws {
        try inScratch { folder in
            let replay = try ReplayBuffer(settings(.fifo, uses: 1), shape: Self.shape)
            let all = rollouts(20)
            for rollout in all { try replay.insert(rollout) }
            _ = try replay.sample(30, steps: 5)
            _ = try ReplayStore(writingTo: folder).write(replay.snapshot())
            let dataset = try ReplayStore(folder).dataset(settings(.uniform, uses: 1), shape: Self.shape)
            #expect(dataset.count == 60 && dataset.isReadOnly)
            for _ in 0..<5 {
                let batch = try dataset.sample(60, steps: 5).batch
                #expect(batch.parts.allSatisfy { $0.source == .dataset })
            }
            #expect(throws: ReplayError.self) { try dataset.insert(all[0]) }
            #expect(throws: (any Error).self) { try ReplayStore("\(folder)/none").dataset(settings(), shape: Self.shape) }
        }
    }
}
