import Environments
import Platform
import Tensors

/// Steps slots with random actions and looks at all they give.
final class Rehearsal {
    let slots: any Slots
    private let row: SlotsRow
    private let actions: UnsafeMutableRawBufferPointer
    private var source: RandomActions
    private let bounds: (low: [Float], high: [Float])?

    /// A fingerprint (FNV-1a, 64 bits) of every observation, reward, flag and final observation so far.
    private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
    /// The seconds of each step.
    private(set) var times: [Double] = []
    private(set) var terminations = 0
    private(set) var truncations = 0
    /// Steps of the longest episode.
    private(set) var longest: Int32 = 0
    /// Endings whose final observation differs from the first one of the next episode.
    private(set) var changedFinals = 0
    /// The first observation outside the space, in words.
    private(set) var outside: String?
    private(set) var failures: [SlotFailure] = []
    /// The slots whose episode the last step truncated.
    private(set) var truncatedNow: [Int] = []

    init(_ environment: ResolvedEnvironment, slots count: Int, seed: UInt64, actions seedOfActions: UInt64 = 1) throws {
        slots = try environment.make(slots: count, key: RandomKey(seed: seed, purpose: .environment))
        let (observation, action) = (environment.observationSpace, environment.actionSpace)
        actions = .allocate(byteCount: count * action.byteCount, alignment: 64)
        actions.initializeMemory(as: UInt8.self, repeating: 0)
        row = SlotsRow(
            actions: UnsafeRawBufferPointer(actions),
            observation: .allocate(byteCount: count * observation.byteCount, alignment: 64), reward: .allocate(capacity: count),
            terminated: .allocate(capacity: count), truncated: .allocate(capacity: count))
        row.observation.initializeMemory(as: UInt8.self, repeating: 0)
        row.reward.initialize(repeating: 0)
        row.terminated.initialize(repeating: 0)
        row.truncated.initialize(repeating: 0)
        source = RandomActions(action, seed: seedOfActions)
        if case .box(_, let low, let high) = observation { bounds = (low, high) } else { bounds = nil }
    }

    deinit {
        actions.deallocate()
        row.observation.deallocate()
        row.reward.deallocate()
        row.terminated.deallocate()
        row.truncated.deallocate()
    }

    func start() throws {
        try slots.reset(observation: row.observation)
        take(UnsafeRawBufferPointer(row.observation))
        for slot in 0..<slots.count { look(observation(slot), "the first observation of slot \(slot)") }
    }

    func step(_ count: Int) throws { for _ in 0..<count { try step() } }

    private func step() throws {
        source.fill(actions)
        let number = times.count
        truncatedNow = []
        var finals: [(slot: Int, bytes: [UInt8])] = []
        let begin = Time.now
        try slots.step(row) { episode in
            let (slot, final) = (episode.slot, episode.finalObservation)
            longest = max(longest, episode.length)
            look(final, "the final observation of slot \(slot) in step \(number)")
            take(final)
            finals.append((slot, [UInt8](final)))
            if row.terminated[slot] == 1 { terminations += 1 }
            if row.truncated[slot] == 1 {
                truncations += 1
                truncatedNow.append(slot)
            }
        }
        times.append(Time.now - begin)
        changedFinals += finals.filter { !$0.bytes.elementsEqual(observation($0.slot)) }.count
        failures += slots.takeFailures()
        take(UnsafeRawBufferPointer(row.observation))
        take(UnsafeRawBufferPointer(row.reward))
        take(UnsafeRawBufferPointer(row.terminated))
        take(UnsafeRawBufferPointer(row.truncated))
        for slot in 0..<slots.count { look(observation(slot), "the observation of slot \(slot) in step \(number)") }
    }

    private func observation(_ slot: Int) -> UnsafeRawBufferPointer {
        let width = slots.observationSpace.byteCount
        return UnsafeRawBufferPointer(rebasing: row.observation[(slot * width)..<((slot + 1) * width)])
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        var hash = fingerprint
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        fingerprint = hash
    }

    /// Notes the first number that lies outside the observation space.
    private func look(_ observation: UnsafeRawBufferPointer, _ what: String) {
        guard outside == nil else { return }
        if let bounds {
            let values = observation.assumingMemoryBound(to: Float.self)
            // NaN is neither.
            let outer = values.indices.first { !(values[$0] >= bounds.low[$0] && values[$0] <= bounds.high[$0]) }
            guard let index = outer else { return }
            outside = "\(what) is \(values[index]) at element \(index), the space is \(bounds.low[index]) to \(bounds.high[index])"
        } else if case .bytes(_, let high) = slots.observationSpace, let index = observation.firstIndex(where: { $0 > high }) {
            outside = "\(what) is \(observation[index]) at element \(index), the space is 0 to \(high)"
        }
    }
}
