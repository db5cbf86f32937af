import Glibc

/// Immutable bytes with one owner who is told when nobody reads them any more.
///
/// A rollout's columns, a received ZeroMQ frame and a published weights vector are all `SharedBytes`, so that the data path can pass them
/// between threads and hand them to a socket without a copy.
///
/// - Note: `@unchecked Sendable` is sound because the bytes are never written after `init` and `release` runs exactly once, in `deinit`.
public final class SharedBytes: @unchecked Sendable {
    /// Valid only while this object lives, and Swift may end that life right after the last use of the object itself: prefer `withBytes`.
    public let pointer: UnsafeRawPointer
    public let count: Int
    private let release: @Sendable (UnsafeRawPointer) -> Void

    /// Takes over `pointer[0 ..< count]`; `release` is called with it once, when the last reference goes away.
    public init(_ pointer: UnsafeRawPointer, count: Int, release: @escaping @Sendable (UnsafeRawPointer) -> Void) {
        self.pointer = pointer
        self.count = count
        self.release = release
    }

    /// A copy of `bytes`, aligned to a cache line.
    public convenience init(copying bytes: UnsafeRawBufferPointer) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
        if let base = bytes.baseAddress { memory.copyMemory(from: base, byteCount: bytes.count) }
        self.init(memory, count: bytes.count) { UnsafeMutableRawPointer(mutating: $0).deallocate() }
    }

    /// The part `offset ..< offset + count`, which keeps the whole alive.
    public convenience init(_ whole: SharedBytes, offset: Int, count: Int) {
        precondition(offset >= 0 && count >= 0 && offset + count <= whole.count, "a part must lie inside the whole")
        self.init(whole.pointer + offset, count: count) { [whole] _ in _ = whole }
    }

    deinit { release(pointer) }

    /// The bytes, which live at least until `body` returns.
    @inlinable
    public func withBytes<Result, Failure>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Result) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(start: pointer, count: count))
    }

    /// The bytes as an array of a plain type; trailing bytes that do not make a whole element are left out. Alignment does not matter.
    public func array<Element: BitwiseCopyable>(of type: Element.Type = Element.self) -> [Element] {
        let elements = count / MemoryLayout<Element>.stride
        return [Element](unsafeUninitializedCapacity: elements) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(start: pointer, count: elements * MemoryLayout<Element>.stride))
            initialized = elements
        }
    }
}
