import Platform
import Rollouts
import Tensors

/// How columns become frames: the small ones travel together in the first, each at a multiple of 64 bytes; each large one is a frame of its own,
/// sent from where it lies. An empty frame costs ZeroMQ, and CURVE more so, as much as a thousand bytes do.
enum ColumnFrames {
    /// Columns of so many bytes and fewer are small.
    static let smallBytes = 16 << 10

    /// Where the small columns lie in the first frame, nil for large ones; and how long it is.
    private static func layout(_ counts: [Int]) -> (offsets: [Int?], total: Int) {
        var total = 0
        let offsets = counts.map { count -> Int? in
            guard count <= smallBytes else { return nil }
            defer { total = (total + count + 63) & ~63 }
            return total
        }
        return (offsets, total)
    }

    static func pack(_ columns: [SharedBytes]) -> [SharedBytes] {
        let (offsets, total) = layout(columns.map(\.count))
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(total, 1), alignment: 64)
        // What lies between the columns is sent as well, and nobody shall see what was in this memory before.
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: total)
        for (column, offset) in zip(columns, offsets) {
            if let offset { column.withBytes { (memory + offset).copyMemory(from: $0.baseAddress!, byteCount: $0.count) } }
        }
        let small = SharedBytes(memory, count: total) { UnsafeMutableRawPointer(mutating: $0).deallocate() }
        return [small] + zip(columns, offsets).filter { $1 == nil }.map(\.0)
    }

    /// The bytes of columns that have so many; those of large columns as they came.
    static func unpack(_ frames: [SharedBytes], _ expected: [(name: String, count: Int)]) throws(WireError) -> [SharedBytes] {
        let (offsets, total) = layout(expected.map(\.count))
        let large = offsets.count { $0 == nil }
        guard frames.count == 1 + large else { throw .frames(expected: 2 + large, found: frames.count + 1) }
        guard frames[0].count == total else {
            throw .invalid(field: "frame of small columns", value: "\(frames[0].count) bytes", allowed: "\(total) bytes for this header")
        }
        var next = 1
        var columns: [SharedBytes] = []
        for (column, offset) in zip(expected, offsets) {
            if let offset {
                columns.append(SharedBytes(frames[0], offset: offset, count: column.count))
                continue
            }
            guard frames[next].count == column.count else {
                throw .invalid(field: "column \(column.name)", value: "\(frames[next].count) bytes", allowed: "\(column.count) bytes for this header")
            }
            columns.append(frames[next])
            next += 1
        }
        return columns
    }
}

extension Rollout {
    /// The frames that follow its header.
    public var columnFrames: [SharedBytes] { ColumnFrames.pack(columns.map(\.bytes)) }
}
