import Environments
import Glibc
import Platform
import Tensors
import Testing
import Workers

/// The folder of the test bundle, where the build puts all programs.
let buildFolder = (try? Files.readLink("/proc/self/exe")).map(Files.parent) ?? "."
/// The example in C.
let corridor = "worker:\(buildFolder)/corridor-worker"

/// Slots with the memory that they step in.
final class Scene {
    let slots: any Slots
    let row: SlotsRow
    let actions: UnsafeMutableRawBufferPointer
    private(set) var ended: [Ended] = []

    struct Ended: Equatable {
        var slot: Int
        var final: [UInt8]
        var episodeReturn: Float
        var length: Int32
    }

    init(_ slots: any Slots) {
        self.slots = slots
        let count = slots.count
        actions = .allocate(byteCount: count * slots.actionSpace.byteCount, alignment: 64)
        actions.initializeMemory(as: UInt8.self, repeating: 0)
        let observation = UnsafeMutableRawBufferPointer.allocate(byteCount: count * slots.observationSpace.byteCount, alignment: 64)
        observation.initializeMemory(as: UInt8.self, repeating: 0)
        row = SlotsRow(
            actions: UnsafeRawBufferPointer(actions), observation: observation, reward: .allocate(capacity: count),
            terminated: .allocate(capacity: count), truncated: .allocate(capacity: count))
        row.reward.initialize(repeating: 0)
        row.terminated.initialize(repeating: 0)
        row.truncated.initialize(repeating: 0)
    }

    convenience init(_ id: String, slots: Int, seed: UInt64 = 1, options: [String: Double] = [:], maxEpisodeSteps: Int? = nil) throws {
        let settings = EnvironmentSettings(id, options: options, maxEpisodeSteps: maxEpisodeSteps)
        let environment = try EnvironmentCatalogue.standard.resolve(settings)
        self.init(try environment.make(slots: slots, key: RandomKey(seed: seed, purpose: .environment)))
    }

    deinit {
        actions.deallocate()
        row.observation.deallocate()
        row.reward.deallocate()
        row.terminated.deallocate()
        row.truncated.deallocate()
    }

    func reset() throws { try slots.reset(observation: row.observation) }

    /// Steps with a discrete action for each slot.
    func step(_ action: (Int) -> Int32) throws {
        let buffer = actions.assumingMemoryBound(to: Int32.self)
        for index in buffer.indices { buffer[index] = action(index) }
        try step()
    }

    func step() throws {
        ended = []
        try slots.step(row) { episode in
            ended.append(
                Ended(
                    slot: episode.slot, final: [UInt8](episode.finalObservation), episodeReturn: episode.episodeReturn,
                    length: episode.length))
        }
    }

    /// [B, …] of the last row.
    var observations: [Float] { [Float](row.observation.assumingMemoryBound(to: Float.self)) }
    var rewards: [Float] { [Float](row.reward) }
    var terminated: [UInt8] { [UInt8](row.terminated) }
    var truncated: [UInt8] { [UInt8](row.truncated) }

    /// What a number of steps with the same actions gives, in one list.
    func record(steps: Int) throws -> [Float] {
        try reset()
        var numbers = observations
        for step in 0..<steps {
            try self.step { Int32((step / 3 + $0) % 2) }
            numbers += observations + rewards + terminated.map(Float.init) + truncated.map(Float.init)
            for episode in ended { numbers += episode.final.map(Float.init) + [episode.episodeReturn, Float(episode.length)] }
        }
        return numbers
    }
}

extension [UInt8] {
    /// Final observations as numbers.
    var floats: [Float] {
        withUnsafeBytes { bytes in (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) } }
    }
}

/// The error that `body` throws, when a person can act on it.
func remediable(_ body: () throws -> Void) throws -> any Remediable {
    do {
        try body()
    } catch {
        return try #require(error as? any Remediable, "\(error)")
    }
    throw NothingThrown()
}

private struct NothingThrown: Error {}
