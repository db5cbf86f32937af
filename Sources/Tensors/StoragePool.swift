import Glibc
import Platform

/// The memory of one or more tensors: float32 values, aligned to a cache line, returned to the pool with the last reference.
final class Storage {
    let pointer: UnsafeMutablePointer<Float>
    private let sizeClass: Int

    /// Room for `count` values, uninitialised.
    init(count: Int) {
        let sizeClass = StoragePool.sizeClass(of: count)
        self.sizeClass = sizeClass
        pointer = StoragePool.shared.read { $0.take(sizeClass: sizeClass) }
    }

    deinit {
        StoragePool.shared.read { $0.put(pointer, sizeClass: sizeClass) }
    }
}

/// Freed blocks, kept by size class and handed out last in, first out: a training loop that makes the same tensors in every update finds
/// its memory again, warm in the cache, and neither page-faults nor grows.
struct StoragePool {
    /// What the pool keeps at most; blocks beyond it go back to the system.
    static let keptBytes = 1 << 30
    /// Blocks from here on lie in large pages where the system has them.
    private static let largeBytes = 4 << 20
    private static let pageBytes = 2 << 20
    static let shared = Guarded(StoragePool())

    private var free: [[UnsafeMutablePointer<Float>]] = Array(repeating: [], count: 256)
    private var bytes = 0

    /// Four classes to the octave from 64 values on: at most a quarter of a block is unused.
    static func sizeClass(of count: Int) -> Int {
        guard count > 64 else { return 0 }
        let octave = Int.bitWidth - 1 - (count - 1).leadingZeroBitCount
        return (octave - 6) * 4 + ((count - 1) >> (octave - 2)) - 3
    }

    /// The number of values in a block of this class.
    static func capacity(of sizeClass: Int) -> Int {
        let (octave, quarter) = ((sizeClass + 3) / 4, (sizeClass + 3) % 4)
        return sizeClass == 0 ? 64 : (5 + quarter) << (octave + 3)
    }

    mutating func take(sizeClass: Int) -> UnsafeMutablePointer<Float> {
        let size = Self.capacity(of: sizeClass) * 4
        if let block = free[sizeClass].popLast() {
            bytes -= size
            return block
        }
        let isLarge = size >= Self.largeBytes
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: isLarge ? Self.pageBytes : 64)
        // Products walk through activations in long strides, which need fewer translations of addresses in large pages. It may fail.
        if isLarge { madvise(memory, size, MADV_HUGEPAGE) }
        return memory.bindMemory(to: Float.self, capacity: size / 4)
    }

    mutating func put(_ block: UnsafeMutablePointer<Float>, sizeClass: Int) {
        let size = Self.capacity(of: sizeClass) * 4
        guard bytes + size <= Self.keptBytes else { return UnsafeMutableRawPointer(block).deallocate() }
        bytes += size
        free[sizeClass].append(block)
    }
}
