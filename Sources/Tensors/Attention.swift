import CKernels

/// Rows of a packed batch that belong to one sequence: each sees all rows of the prefix, its predecessors and itself.
public struct AttentionSegment: Sendable, Hashable {
    public let rows: Range<Int>
    /// Rows before `rows` that the sequence continues, perhaps with others: the prompt of a group. Empty for a sequence of its own.
    public let prefix: Range<Int>

    public init(rows: Range<Int>, prefix: Range<Int> = 0..<0) {
        self.rows = rows
        self.prefix = prefix
    }
}

/// How a row of queries, keys and values is divided.
public struct AttentionHeads: Sendable, Hashable {
    /// Heads of queries.
    public let queries: Int
    /// Heads of keys and of values; each serves `queries / keys` heads of queries, one after the other (Ainslie et al., 2023).
    public let keys: Int
    /// Values of a head.
    public let width: Int

    public init(queries: Int, keys: Int, width: Int) {
        precondition(queries > 0 && keys > 0 && width > 0 && queries % keys == 0, "\(queries) heads of queries for \(keys) of keys")
        self.queries = queries
        self.keys = keys
        self.width = width
    }

    /// Values of a row of queries, keys and values side by side.
    public var rowWidth: Int { (queries + 2 * keys) * width }
    public var outputWidth: Int { queries * width }
    /// What scores are multiplied by.
    public var scale: Float { 1 / Float(width).squareRoot() }
}

/// Causal attention (Vaswani et al., 2017) over packed sequences: softmax(q · k / √width) · v.
///
/// - Parameters:
///   - x: [N, `heads.rowWidth`], in each row the queries of all heads, then the keys, then the values.
///   - segments: cover the rows, one after the other.
/// - Returns: [N, `heads.outputWidth`]
public func attention(_ x: Tensor, heads: AttentionHeads, segments: [AttentionSegment]) -> Tensor {
    precondition(
        x.shape.count == 2 && x.shape[1] == heads.rowWidth, "attention needs queries, keys and values [N, \(heads.rowWidth)], not \(x.shape)")
    let rows = x.shape[0]
    var end = 0
    for segment in segments {
        precondition(
            segment.rows.lowerBound == end && segment.prefix.lowerBound >= 0 && (segment.prefix.isEmpty || segment.prefix.upperBound <= end),
            "segments must cover the rows in order and continue rows before them, not \(segment)")
        end = segment.rows.upperBound
    }
    precondition(end == rows, "segments must cover all \(rows) rows, not \(end)")
    let orders = segments.map {
        ApusSegment(start: $0.rows.lowerBound, count: $0.rows.count, prefix_start: $0.prefix.lowerBound, prefix_count: $0.prefix.count)
    }
    let y = Tensor(uninitialized: [rows, heads.outputWidth])
    let sums = Tensor(uninitialized: [rows, heads.queries])
    let input = x.detached
    eachHead(input, heads, orders) { order, first, last, workspace in
        apus_attention(&order, first, last, y.base, sums.base, workspace)
    }
    return y.recorded(from: x) { gradient in
        let result = Tensor(zeros: input.shape)
        withExtendedLifetime((y.storage, sums.storage, gradient.storage)) {
            eachHead(input, heads, orders) { order, first, last, workspace in
                apus_attention_backward(&order, first, last, y.base, sums.base, gradient.base, result.base, workspace)
            }
        }
        return result
    }
}

/// Key heads write to different places: each thread gets some.
private func eachHead(
    _ x: Tensor, _ heads: AttentionHeads, _ segments: [ApusSegment],
    _ body: (inout ApusAttention, Int, Int, UnsafeMutablePointer<Float>) -> Void
) {
    let parts = max(1, min(Int(apus_threads()), heads.keys, (x.count * heads.queries) >> 16))
    segments.withUnsafeBufferPointer { segments in
        let order = ApusAttention(
            segments: segments.baseAddress, segment_count: segments.count, heads: heads.queries, key_heads: heads.keys, width: heads.width,
            scale: heads.scale, qkv: UnsafePointer(x.base))
        withExtendedLifetime(x.storage) {
            parallel(parts) { part, parts in
                var order = order
                let workspace = Storage(count: apus_attention_workspace(&order))
                withExtendedLifetime(workspace) {
                    body(&order, heads.keys * part / parts, heads.keys * (part + 1) / parts, workspace.pointer)
                }
            }
        }
    }
}

/// The angles of rotary positions (Su et al., 2021): position / base^(2i / width) for the pair i of a head, in the arithmetic of Llama.
public struct RotaryTable: Sendable {
    /// [positions, width] each; the first half of a row of `sine` is negative.
    let cosine: [Float]
    let sine: [Float]
    public let positions: Int
    public let width: Int

    public init(positions: Int, width: Int, base: Float) {
        precondition(positions > 0 && width > 0 && width % 2 == 0 && base > 0, "rotary positions need an even width, not \(width)")
        self.positions = positions
        self.width = width
        let half = width / 2
        var (cosine, sine) = ([Float](repeating: 0, count: positions * width), [Float](repeating: 0, count: positions * width))
        for pair in 0..<half {
            let frequency = 1 / power(base, Float(2 * pair) / Float(width))
            for position in 0..<positions {
                let angle = Double(Float(position) * frequency)
                let (c, s) = (Float(cosineOf(angle)), Float(sineOf(angle)))
                for (place, sign) in [(pair, Float(-1)), (pair + half, 1)] {
                    cosine[position * width + place] = c
                    sine[position * width + place] = sign * s
                }
            }
        }
        (self.cosine, self.sine) = (cosine, sine)
    }

    /// Turns rows in place or into other memory.
    package func turn(
        _ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, rows: Int, heads: Int, columns: Int, positions: [Int32],
        back: Bool = false
    ) {
        apus_rotary(from, cosine, sine, positions, back ? -1 : 1, to, rows, heads, width, columns)
    }
}

/// Rotary positions: the first `heads` heads of each row of x [N, C] are turned by the angles of the row's position, the rest is copied.
public func rotary(_ x: Tensor, heads: Int, positions: [Int32], table: RotaryTable) -> Tensor {
    let (rows, columns) = matrixShape(x, "rotary")
    precondition(heads * table.width <= columns, "\(heads) heads of \(table.width) are not in a row of \(x.shape)")
    precondition(
        positions.count == rows && positions.allSatisfy { $0 >= 0 && $0 < table.positions },
        "rotary needs a position below \(table.positions) for each of \(rows) rows")
    let y = Tensor(uninitialized: x.shape)
    withExtendedLifetime(x.storage) { table.turn(x.base, y.base, rows: rows, heads: heads, columns: columns, positions: positions) }
    return y.recorded(from: x) { gradient in
        withExtendedLifetime(gradient.storage) {
            table.turn(gradient.base, gradient.base, rows: rows, heads: heads, columns: columns, positions: positions, back: true)
        }
        return gradient
    }
}
