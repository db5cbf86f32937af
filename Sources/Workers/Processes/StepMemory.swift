import CPlatform
import Environments
import Glibc

/// What a worker's process is given to share memory with this one: a file that is memory only, and two bells. None of them has a name, so
/// nothing is left behind, whatever way the two end.
final class SharedDescriptors: Sendable {
    let memory: Int32
    /// Where the worker waits, and where this process does.
    let workerBell: Int32
    let apusBell: Int32

    /// nil: there are no descriptors left. A worker can do without.
    init?() {
        (memory, workerBell, apusBell) = (apus_memory(), apus_bell(), apus_eventfd())
        guard memory >= 0, workerBell >= 0, apusBell >= 0 else { return nil }
    }

    deinit { for descriptor in all where descriptor >= 0 { close(descriptor) } }

    var all: [Int32] { [memory, workerBell, apusBell] }
    /// The number that the first has in the worker: behind its standard streams.
    static let first: UInt32 = 3
}

/// The memory through which a worker steps (see `proto/worker.proto`), on the side of Apus. What the worker writes may change at any time:
/// it is copied before it is looked at.
final class StepMemory {
    let share: Share
    private let base: UnsafeMutableRawPointer
    private let descriptors: SharedDescriptors
    private let sizes: StepSizes
    private var number: UInt32 = 0
    private var patience = Patience()

    private enum Word {
        static let request = 0, requestKind = 4, answer = 64, answerKind = 68, ended = 72, workerSleeps = 128, apusSleeps = 192
    }

    enum Kind {
        static let step: UInt32 = 1, message: UInt32 = 2
    }

    /// nil: there is not that much memory.
    init?(_ descriptors: SharedDescriptors, _ sizes: StepSizes) {
        let share = Share(sizes, first: SharedDescriptors.first)
        guard let base = apus_memory_map(descriptors.memory, share.size) else { return nil }
        (self.share, self.base, self.descriptors, self.sizes) = (share, base, descriptors, sizes)
    }

    deinit { munmap(base, share.size) }

    private func word(_ offset: Int) -> UnsafeMutablePointer<UInt32> { (base + offset).assumingMemoryBound(to: UInt32.self) }

    // MARK: Asking

    /// Asks for a step with these actions.
    func step(_ actions: UnsafeRawBufferPointer) {
        if let first = actions.baseAddress { (base + share.actions).copyMemory(from: first, byteCount: actions.count) }
        ask(Kind.step)
    }

    /// Tells the worker that a message lies on its socket.
    func announceMessage() { ask(Kind.message) }

    private func ask(_ kind: UInt32) {
        number &+= 1
        word(Word.requestKind).pointee = kind
        apus_store(word(Word.request), number)
        if apus_load(word(Word.workerSleeps)) != 0 { apus_eventfd_signal(descriptors.workerBell) }
    }

    // MARK: The answer

    private var hasAnswer: Bool { apus_load(word(Word.answer)) == number }

    /// Waits for the answer to the last request without giving up the processor, if that is worth it.
    func spin() -> Bool {
        patience.began()
        if !hasAnswer, patience.spins {
            patience.spun(apus_spin(word(Word.answer), number &- 1, patience.nanoseconds))
        }
        return answered()
    }

    /// Makes the worker ring `bell` once it has answered. Returns true when it has answered already.
    func sleep() -> Bool {
        apus_store(word(Word.apusSleeps), 1)
        return answered()
    }

    /// Whether the worker has answered; call it again after each wait.
    func answered() -> Bool {
        guard hasAnswer else { return false }
        word(Word.apusSleeps).pointee = 0
        patience.ended()
        return true
    }

    var bell: Int32 { descriptors.apusBell }

    /// Forgets what has rung.
    func drain() { apus_eventfd_drain(descriptors.apusBell) }

    /// What has answered: `Kind.step` or `Kind.message`, or whatever the worker has written there.
    var answerKind: UInt32 { apus_load(word(Word.answerKind)) }

    /// Copies what a step has given.
    ///
    /// - Returns: the bytes of final observations; nil: more than there is room for.
    func take(into target: StepTarget) -> Int? {
        let ended = Int(apus_load(word(Word.ended)))
        guard ended <= sizes.slots else { return nil }
        func copy(_ offset: Int, _ part: UnsafeMutableRawBufferPointer, _ count: Int) {
            part.copyMemory(from: UnsafeRawBufferPointer(start: base + offset, count: count))
        }
        copy(share.observations, target.observations, target.observations.count)
        copy(share.rewards, target.rewards, target.rewards.count)
        copy(share.terminated, target.terminated, target.terminated.count)
        copy(share.truncated, target.truncated, target.truncated.count)
        copy(share.finalObservations, target.finalObservations, ended * sizes.observation)
        return ended * sizes.observation
    }
}

/// How many bytes there are of everything in a step.
struct StepSizes: Equatable {
    var slots: Int
    /// Of one slot.
    var observation: Int
    var action: Int
}

/// Where what a step has given goes: a group's part of a row, and room for as many final observations as there are slots.
struct StepTarget {
    var observations: UnsafeMutableRawBufferPointer
    var rewards: UnsafeMutableRawBufferPointer
    var terminated: UnsafeMutableRawBufferPointer
    var truncated: UnsafeMutableRawBufferPointer
    var finalObservations: UnsafeMutableRawBufferPointer
}

extension Share {
    /// Everything in its own cache lines, behind the numbers that tell whose turn it is.
    init(_ sizes: StepSizes, first: UInt32) {
        var end = 256
        func place(_ bytes: Int) -> Int {
            defer { end = (end + bytes + 63) & ~63 }
            return end
        }
        let offsets = [sizes.action, sizes.observation, 4, 1, 1, sizes.observation].map { place(sizes.slots * $0) }
        self.init(
            memory: first, workerBell: first + 1, apusBell: first + 2, size: end, actions: offsets[0], observations: offsets[1],
            rewards: offsets[2], terminated: offsets[3], truncated: offsets[4], finalObservations: offsets[5])
    }
}
