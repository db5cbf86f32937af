import Glibc
import Platform
import Rollouts
import Tensors
import Testing

@Suite struct ReplayCapacityTests {
    static let shape = RolloutShape(observation: .bytes(shape: [10, 10, 4], high: 1), action: .discrete(6), steps: 80, maximumSlots: 4)

    @Test func thePlanSaysWhatFits() throws {
        let capacity = try ReplayCapacity(ReplaySettings(capacityBytes: 4 << 30), shape: Self.shape)
        #expect(capacity.byteCount <= 4 << 30 && capacity.byteCount > Int(0.98 * Double(4 << 30)))
        #expect(capacity.description.hasPrefix("replay: 4.0 GiB hold 12") && capacity.description.contains("sequences of 80 steps ("))
        let one = try ReplayCapacity(ReplaySettings(capacityBytes: 1 << 20, maximumSequences: 7, sequenceOverlap: 20), shape: Self.shape)
        #expect(one.description.contains("hold 7 sequences of 100 steps (560 steps)"))
    }

    @Test func tooMuchAndTooLittleAreRefused() {
        func refuses(_ settings: ReplaySettings, _ kind: ReplayError.Kind, _ words: String..., location: SourceLocation = #_sourceLocation) {
            do {
                _ = try ReplayBuffer(settings, shape: Self.shape)
                Issue.record("accepted", sourceLocation: location)
            } catch let error as ReplayError {
                #expect(error.kind == kind, "\(error)", sourceLocation: location)
                for word in words { #expect("\(error)".contains(word), "\(error)", sourceLocation: location) }
            } catch { Issue.record("\(error)", sourceLocation: location) }
        }
        refuses(ReplaySettings(capacityBytes: 1 << 50), .capacity, "this machine's memory", "are available")
        refuses(ReplaySettings(capacityBytes: 1 << 50, storage: .disk(directory: "/tmp")), .capacity, "/tmp", "are available")
        refuses(ReplaySettings(capacityBytes: 200_000), .capacity, "cannot hold one rollout of 4 slots × 80 steps", "Give it at least")
        refuses(ReplaySettings(capacityBytes: -5), .capacity)
        refuses(ReplaySettings(capacityBytes: 1 << 22, sequenceOverlap: 81), .settings, "overlap of 81")
        refuses(ReplaySettings(capacityBytes: 1 << 22, maximumSequences: 0), .settings)
        refuses(ReplaySettings(capacityBytes: 1 << 22, selector: .prioritized(alpha: -1)), .settings, "alpha")
        refuses(ReplaySettings(capacityBytes: 1 << 22, selector: .prioritized(alpha: 1, epsilon: 0)), .settings, "epsilon")
        refuses(ReplaySettings(capacityBytes: 1 << 22, limiter: .minimumSize(10_000)), .settings, "samples wait for 10000 sequences")
        refuses(ReplaySettings(capacityBytes: 1 << 22, selector: .fifo, limiter: .queue(4), maximumTimesSampled: 1), .settings, "band")
        refuses(ReplaySettings(capacityBytes: 1 << 22, limiter: .queue(64), maximumTimesSampled: 1), .settings, "in order")
    }

    /// What it says is enough for one rollout is enough.
    @Test func theRemedyHelps() throws {
        for slots in [1, 3, 64] {
            var shape = Self.shape
            shape.maximumSlots = slots
            let enough = (2 * slots + 4) * 34_000
            let replay = try ReplayBuffer(ReplaySettings(capacityBytes: enough), shape: shape)
            let actor = RecordedActor(shape, actor: 0, slots: slots, seed: 2, endProbability: 0)
            for round in 1...5 {
                try replay.insert(actor.rollout().rollout)
                for slot in 0..<slots { #expect(replay.contains(UInt64((round - 1) * slots + slot + 1))) }
                #expect(replay.byteCount <= enough)
            }
        }
    }

    /// The oldest go first, in order; never more bytes than announced, and nearly all of them in use.
    @Test func theOldestMakeRoom() throws {
        for storage in [.memory, .disk(directory: "/tmp")] as [ReplayStorage] {
            let capacity = 8 << 20
            let replay = try ReplayBuffer(ReplaySettings(capacityBytes: capacity, storage: storage), shape: Self.shape)
            let actor = RecordedActor(Self.shape, actor: 0, slots: 4, seed: 2, endProbability: 0)
            let (rollout, _) = actor.rollout()
            var oldest: UInt64 = 1
            for _ in 0..<200 {
                try replay.insert(rollout)
                let keys = (1...replay.storedCount).filter(replay.contains)
                #expect(keys == Array(keys[0]...replay.storedCount) && keys[0] >= oldest && keys.count == replay.count)
                oldest = keys[0]
                #expect(replay.byteCount <= capacity && replay.limiter.size == replay.count)
            }
            #expect(oldest > 100 && Double(replay.count * rollout.byteCount / 4) > 0.9 * Double(capacity))
        }
    }

    @Test func aDirectoryThatCannotBeIsNamed() throws {
        #expect(throws: FileError.self) {
            try ReplayBuffer(ReplaySettings(capacityBytes: 1 << 22, storage: .disk(directory: "/proc/apus")), shape: Self.shape)
        }
    }

    /// A file system that others fill up after the start; needs the right to mount.
    @Test func aDiskThatIsFullLaterIsAnErrorAndNoSignal() throws {
        let folder = "/tmp/apus-replay-\(UInt32.random(in: 0 ... .max))"
        try Files.createDirectory(folder)
        defer { try? Files.remove(folder) }
        guard mount("tmpfs", folder, "tmpfs", 0, "size=4m") == 0 else {
            print("aDiskThatIsFullLaterIsAnErrorAndNoSignal: skipped, this user may not mount a tmpfs: \(String(cString: strerror(errno)))")
            return
        }
        defer { umount2(folder, Int32(MNT_DETACH)) }
        let replay = try ReplayBuffer(ReplaySettings(capacityBytes: 3 << 20, storage: .disk(directory: folder)), shape: Self.shape)
        let (rollout, _) = RecordedActor(Self.shape, actor: 0, slots: 4, seed: 2).rollout()
        try replay.insert(rollout)
        try Files.write([UInt8](repeating: 1, count: 3 << 20), to: "\(folder)/other", flush: false)
        var stored = 0
        let error = #expect(throws: FileError.self) {
            while true {
                try replay.insert(rollout)
                stored = replay.count
            }
        }
        #expect(error?.code == ENOSPC && error?.path == folder)
        // What is stored stays in use, and goes on once there is room again.
        #expect(replay.count >= stored && stored > 4)
        _ = try replay.sample(16, steps: 80)
        try Files.remove("\(folder)/other")
        try replay.insert(rollout)
    }
}
