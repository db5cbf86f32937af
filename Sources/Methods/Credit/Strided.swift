/// One sequence inside a time-major [T, B] column: every B-th element, without a copy. `sequence[t]` is the element of step t.
///
/// Bounds are checked once, when it is made: the estimators run over every step of every batch.
public struct Strided<Element> {
    public let count: Int
    @usableFromInline let base: UnsafePointer<Element>
    @usableFromInline let stride: Int

    /// The slot `slot` of a [count, slots] column.
    @inlinable
    public init(_ column: UnsafeBufferPointer<Element>, slot: Int, of slots: Int) {
        precondition(slots > 0 && slot >= 0 && slot < slots, "slot \(slot) of \(slots)")
        precondition(column.count % slots == 0 && column.count > 0, "a column of \(column.count) elements has no \(slots) slots")
        base = column.baseAddress! + slot
        stride = slots
        count = column.count / slots
    }

    /// A contiguous sequence.
    @inlinable
    public init(_ sequence: UnsafeBufferPointer<Element>) { self.init(sequence, slot: 0, of: 1) }

    @inlinable
    public subscript(t: Int) -> Element {
        @inline(__always) get { base[t &* stride] }
    }
}

/// As `Strided`, for a result.
public struct MutableStrided<Element> {
    public let count: Int
    @usableFromInline let base: UnsafeMutablePointer<Element>
    @usableFromInline let stride: Int

    /// The slot `slot` of a [count, slots] column.
    @inlinable
    public init(_ column: UnsafeMutableBufferPointer<Element>, slot: Int, of slots: Int) {
        precondition(slots > 0 && slot >= 0 && slot < slots, "slot \(slot) of \(slots)")
        precondition(column.count % slots == 0 && column.count > 0, "a column of \(column.count) elements has no \(slots) slots")
        base = column.baseAddress! + slot
        stride = slots
        count = column.count / slots
    }

    /// A contiguous sequence.
    @inlinable
    public init(_ sequence: UnsafeMutableBufferPointer<Element>) { self.init(sequence, slot: 0, of: 1) }

    @inlinable
    public subscript(t: Int) -> Element {
        @inline(__always) get { base[t &* stride] }
        @inline(__always) nonmutating set { base[t &* stride] = newValue }
    }
}
