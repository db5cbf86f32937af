import Glibc
import Platform

/// Memory blocks of one size that are used again: an actor's rollouts come and go at a steady pace, and fresh pages cost more than filling
/// them.
///
/// Any thread may give a block back. The pool never makes anybody wait: what bounds the blocks in use is the actor's credit. It keeps at
/// most `kept` unused blocks and frees the rest.
public final class RolloutPool: Sendable {
    private struct State {
        var unused: [UInt] = []
        var allocations = 0
    }

    public let blockSize: Int
    public let kept: Int
    /// Addresses, since pointers are not Sendable.
    private let state = Guarded(State())

    public init(blockSize: Int, kept: Int) {
        self.blockSize = blockSize
        self.kept = kept
    }

    deinit {
        state.read { $0.unused.forEach { free(UnsafeMutableRawPointer(bitPattern: $0)) } }
    }

    /// How many blocks were ever allocated: does not grow in a steady state.
    public var allocations: Int { state.read { $0.allocations } }

    /// A block of `blockSize` bytes with any content, aligned to 64 bytes.
    func take() -> UnsafeMutableRawPointer {
        let address = state.read { state -> UInt? in
            if let address = state.unused.popLast() { return address }
            state.allocations += 1
            return nil
        }
        // Pages of a fresh block that are never written cost no memory.
        return UnsafeMutableRawPointer(bitPattern: address ?? UInt(bitPattern: aligned_alloc(64, (blockSize + 63) & ~63)))!
    }

    /// Takes back a block that `take` gave out and that nobody reads or writes any more.
    func give(_ block: UnsafeRawPointer) {
        let address = UInt(bitPattern: block)
        let full = state.read { state in
            if state.unused.count >= kept { return true }
            state.unused.append(address)
            return false
        }
        if full { free(UnsafeMutableRawPointer(mutating: block)) }
    }
}
