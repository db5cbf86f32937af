import CKernels
import Glibc
import Platform

/// Rows of observations as an environment wrote them: float vectors, or bytes that a network takes as value / high.
public struct Observations {
    private enum Values {
        case floats(Tensor)
        case bytes(SharedBytes)
    }

    private let values: Values
    /// What one row is.
    public let space: Space
    /// The number of rows.
    public let count: Int

    /// - Parameter floats: as many values as `count` elements of `space` have.
    public init(_ floats: Tensor, _ space: Space) {
        precondition(space.elementType == .float32, "float observations of \(space.elementType)")
        precondition(floats.count % space.count == 0, "\(floats.count) values are no rows of \(space.shape)")
        values = .floats(floats.detached)
        self.space = space
        count = floats.count / space.count
    }

    /// - Parameter bytes: as many as `count` elements of `space` have.
    public init(_ bytes: SharedBytes, _ space: Space) {
        precondition(space.elementType == .uint8, "byte observations of \(space.elementType)")
        precondition(bytes.count % space.count == 0, "\(bytes.count) bytes are no rows of \(space.shape)")
        values = .bytes(bytes)
        self.space = space
        count = bytes.count / space.count
    }

    /// A copy of rows that stand in memory that belongs to somebody else.
    public init(copying rows: UnsafeRawBufferPointer, _ space: Space) {
        switch space.elementType {
        case .float32:
            let tensor = Tensor([rows.count / 4]) { UnsafeMutableRawBufferPointer($0).copyMemory(from: rows) }
            self.init(tensor, space)
        case .uint8: self.init(SharedBytes(copying: rows), space)
        case .int32: preconditionFailure("observations are floats or bytes, not \(space)")
        }
    }

    /// Rows that `fill` writes, all of them.
    public init(count: Int, _ space: Space, filling fill: (UnsafeMutableRawPointer) -> Void) {
        switch space.elementType {
        case .float32: self.init(Tensor([count * space.count]) { fill(UnsafeMutableRawPointer($0.baseAddress!)) }, space)
        case .uint8:
            let size = count * space.byteCount
            let block = UnsafeMutableRawPointer.allocate(byteCount: max(size, 1), alignment: 64)
            fill(block)
            self.init(SharedBytes(block, count: size) { UnsafeMutableRawPointer(mutating: $0).deallocate() }, space)
        case .int32: preconditionFailure("observations are floats or bytes, not \(space)")
        }
    }

    /// Some rows that follow one another, sharing the values.
    public func rows(_ range: Range<Int>) -> Observations {
        switch values {
        case .floats(let tensor):
            let part = tensor.reshaped([count, space.count]).rows(range)
            return Observations(part, space)
        case .bytes(let bytes):
            return Observations(
                SharedBytes(bytes, offset: range.lowerBound * space.byteCount, count: range.count * space.byteCount), space)
        }
    }

    /// Some rows, copied.
    public func picked(_ indices: [Int]) -> Observations {
        let width = space.byteCount
        return withBytes { source in
            Observations(count: indices.count, space) { target in
                for (row, index) in indices.enumerated() { memcpy(target + row * width, source.baseAddress! + index * width, width) }
            }
        }
    }

    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        switch values {
        case .floats(let tensor): try tensor.withBuffer { try body(UnsafeRawBufferPointer($0)) }
        case .bytes(let bytes): try bytes.withBytes(body)
        }
    }

    /// The bytes of a space of bytes; nil for floats.
    public var bytes: SharedBytes? {
        if case .bytes(let bytes) = values { bytes } else { nil }
    }

    /// [count, elements]: what a network sees, a constant.
    public var vectors: Tensor {
        switch values {
        case .floats(let tensor): return tensor.reshaped([count, space.count])
        case .bytes(let bytes):
            guard case .bytes(_, let high) = space else { preconditionFailure("bytes of \(space)") }
            return ImageBatch(bytes, shape: [count, 1, 1, space.count], layout: .channelsLast, high: Float(high)).flattened()
        }
    }
}
