import CPlatform
import Glibc
import Workers

/// The worker's side of steps through memory.
final class SharedSteps {
    private let share: Share
    private let base: UnsafeMutableRawPointer
    private var number: UInt32 = 0

    init(_ share: Share) {
        self.share = share
        base = mmap(nil, share.size, PROT_READ | PROT_WRITE, MAP_SHARED, Int32(share.memory), 0)
    }

    private func word(_ offset: Int) -> UnsafeMutablePointer<UInt32> { (base + offset).assumingMemoryBound(to: UInt32.self) }

    /// Waits for the next request; true: a step.
    func wait() -> Bool {
        apus_store(word(128), 1)
        var count: UInt64 = 0
        while apus_load(word(0)) == number { read(Int32(share.workerBell), &count, 8) }
        apus_store(word(128), 0)
        number = apus_load(word(0))
        return apus_load(word(4)) == 1
    }

    func actions(_ slots: Int) -> [Int32] {
        [Int32](UnsafeBufferPointer(start: (base + share.actions).assumingMemoryBound(to: Int32.self), count: slots))
    }

    /// Writes what a message would carry behind Stepped.
    func write(_ frames: [[UInt8]]) {
        let places = [share.observations, share.rewards, share.terminated, share.truncated, share.finalObservations]
        for (place, frame) in zip(places, frames) { (base + place).copyMemory(from: frame, byteCount: frame.count) }
    }

    func answer(kind: UInt32, ended: Int, lag: UInt32 = 0) {
        word(72).pointee = UInt32(ended)
        word(68).pointee = kind
        apus_store(word(64), number &- lag)
        if apus_load(word(192)) != 0 { apus_eventfd_signal(Int32(share.apusBell)) }
    }

    /// Tries to take the memory's end away from Apus.
    func shrink() { ftruncate(Int32(share.memory), 0) }
}
