import CKernels

/// A view of contiguous float32 values, row-major.
///
/// A tensor is a reference: copies, `reshaped` and `rows` share the values. It belongs to one thread at a time. When a `Tape` tracks it,
/// operations on it record how to compute its gradient; otherwise they record nothing.
public struct Tensor {
    public let shape: [Int]
    /// The number of values: the product of `shape`; 1 for a scalar, whose shape is [].
    public let count: Int
    /// Keeps `base` valid: whoever uses the pointer holds on to the storage (`withExtendedLifetime`), the tensor alone does not suffice.
    let storage: Storage
    let base: UnsafeMutablePointer<Float>
    let node: Node?

    init(storage: Storage, base: UnsafeMutablePointer<Float>, shape: [Int], count: Int, node: Node?) {
        self.storage = storage
        self.base = base
        self.shape = shape
        self.count = count
        self.node = node
    }

    /// Uninitialised values, which the caller writes before anybody reads them.
    @inline(__always)
    init(uninitialized shape: [Int]) {
        var count = 1
        for axis in shape {
            precondition(axis >= 0, "a tensor's shape \(shape) has a negative axis")
            count *= axis
        }
        storage = Storage(count: count)
        base = storage.pointer
        self.shape = shape
        self.count = count
        node = nil
    }

    /// `values` in row-major order.
    public init(_ values: [Float], _ shape: [Int]) {
        self.init(uninitialized: shape)
        precondition(values.count == count, "\(values.count) values do not make a tensor of shape \(shape)")
        values.withUnsafeBufferPointer { if let from = $0.baseAddress { base.update(from: from, count: count) } }
    }

    public init(zeros shape: [Int]) {
        self.init(uninitialized: shape)
        base.update(repeating: 0, count: count)
    }

    public init(_ scalar: Float) {
        self.init(uninitialized: [])
        base[0] = scalar
    }

    /// Values that `body` writes, all of them: the memory is not cleared.
    public init(_ shape: [Int], initializing body: (UnsafeMutableBufferPointer<Float>) -> Void) {
        self.init(uninitialized: shape)
        body(UnsafeMutableBufferPointer(start: base, count: count))
    }

    /// A copy of the values in row-major order.
    public var values: [Float] { withBuffer(Array.init) }

    /// The value of a tensor that has exactly one.
    public var scalar: Float {
        precondition(count == 1, "a tensor of shape \(shape) is no scalar")
        return withBuffer { $0[0] }
    }

    public func withBuffer<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) rethrows -> R {
        try withExtendedLifetime(storage) { try body(UnsafeBufferPointer(start: base, count: count)) }
    }

    /// Writes through to every tensor that shares the values. A tape does not see it: do not write what a recorded operation has read.
    public func withMutableBuffer<R>(_ body: (UnsafeMutableBufferPointer<Float>) throws -> R) rethrows -> R {
        try withExtendedLifetime(storage) { try body(UnsafeMutableBufferPointer(start: base, count: count)) }
    }

    /// The same values with another shape of the same count.
    public func reshaped(_ shape: [Int]) -> Tensor {
        let result = Tensor(storage: storage, base: base, shape: shape, count: shape.reduce(1, *), node: nil)
        precondition(result.count == count, "a tensor of shape \(self.shape) cannot be reshaped to \(shape)")
        let original = self.shape
        return result.recorded(from: self) { $0.reshaped(original) }
    }

    /// The part `range` of the first axis, sharing the values.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(
            !shape.isEmpty && range.lowerBound >= 0 && range.upperBound <= shape[0], "rows \(range) are not in a tensor of shape \(shape)")
        let stride = shape.dropFirst().reduce(1, *)
        let result = Tensor(
            storage: storage, base: base + range.lowerBound * stride, shape: [range.count] + shape.dropFirst(),
            count: range.count * stride, node: nil)
        guard let node else { return result }
        let (whole, start, count) = (shape, range.lowerBound * stride, result.count)
        return result.recorded(on: node.tape, inputs: [node]) { gradient in
            node.accumulate(zeroed: whole) { place in
                withExtendedLifetime(gradient.storage) { apus_axpy(1, gradient.base, place + start, count) }
            }
        }
    }

    /// Some parts of the first axis, copied: a constant for every tape.
    public func picked(_ rows: [Int]) -> Tensor {
        precondition(!shape.isEmpty && rows.allSatisfy { $0 >= 0 && $0 < shape[0] }, "rows outside of a tensor of shape \(shape)")
        let stride = shape.dropFirst().reduce(1, *)
        return withExtendedLifetime(storage) {
            Tensor([rows.count] + shape.dropFirst()) { target in
                for (k, row) in rows.enumerated() {
                    (target.baseAddress! + k * stride).update(from: base + row * stride, count: stride)
                }
            }
        }
    }

    /// The same values, a constant for every tape.
    public var detached: Tensor { node == nil ? self : Tensor(storage: storage, base: base, shape: shape, count: count, node: nil) }

    /// Whether a tape tracks this tensor.
    public var isTracked: Bool { node != nil }
}
