import Tensors

/// Fills the matrices of a network one after the other, each from a random stream of its own.
struct Initializer {
    private let key: RandomKey
    private var matrices: UInt32 = 0

    init(seed: UInt64) { key = RandomKey(seed: seed, purpose: .weights) }

    /// Orthonormal rows or columns, times `gain`. Filters [out, in, height, width] count as matrices [out, in · height · width].
    mutating func orthogonal(_ weight: Tensor, gain: Float) {
        var stream = key.stream(slot: matrices, episode: 0)
        matrices += 1
        fillOrthogonal(weight.reshaped([weight.shape[0], weight.count / weight.shape[0]]), gain: gain, &stream)
    }
}

/// Fills a matrix [rows, columns] with orthonormal rows, or columns where there are more rows than columns, times `gain` (Saxe et al.,
/// 2014).
///
/// Gram–Schmidt on normal vectors, in double precision and twice over, which keeps them orthogonal to rounding.
func fillOrthogonal(_ matrix: Tensor, gain: Float, _ stream: inout RandomStream) {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let (vectors, length) = rows <= columns ? (rows, columns) : (columns, rows)
    var basis = [[Double]]()
    while basis.count < vectors {
        var vector = (0..<length).map { _ in stream.normal() }
        for _ in 0..<2 {
            for other in basis {
                let projection = dot(vector, other)
                for i in 0..<length { vector[i] -= projection * other[i] }
            }
        }
        let norm = dot(vector, vector).squareRoot()
        guard norm > 1e-6 else { continue }
        basis.append(vector.map { $0 / norm })
    }
    matrix.withMutableBuffer { buffer in
        for row in 0..<rows {
            for column in 0..<columns {
                buffer[row * columns + column] = gain * Float(rows <= columns ? basis[row][column] : basis[column][row])
            }
        }
    }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
    var total = 0.0
    for i in a.indices { total += a[i] * b[i] }
    return total
}
