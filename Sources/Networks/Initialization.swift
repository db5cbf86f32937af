import Tensors

/// Fills the matrices of a network one after the other, each from a random stream of its own.
struct Initializer {
    private let key: RandomKey
    private var matrices: UInt32 = 0

    /// - Parameter part: tells networks that learn side by side from one seed apart.
    init(seed: UInt64, part: UInt32 = 0) { key = RandomKey(seed: seed, purpose: .weights, actor: part) }

    /// Orthonormal rows or columns, times `gain`. Filters [out, in, height, width] count as matrices [out, in · height · width].
    mutating func orthogonal(_ weight: Tensor, gain: Float) {
        var stream = key.stream(slot: matrices, episode: 0)
        matrices += 1
        fillOrthogonal(weight.reshaped([weight.shape[0], weight.count / weight.shape[0]]), gain: gain, &stream)
    }

    /// Independent normal values.
    mutating func normal(_ weight: Tensor, deviation: Float) {
        var stream = key.stream(slot: matrices, episode: 0)
        matrices += 1
        weight.withMutableBuffer { for i in $0.indices { $0[i] = deviation * Float(stream.normal()) } }
    }
}

/// Fills a matrix [rows, columns] with orthonormal rows, or columns where there are more rows than columns, times `gain` (Saxe et al.,
/// 2014).
///
/// Gram–Schmidt on normal vectors in double precision.
func fillOrthogonal(_ matrix: Tensor, gain: Float, _ stream: inout RandomStream) {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let (vectors, length) = rows <= columns ? (rows, columns) : (columns, rows)
    var basis = [Double](repeating: 0, count: vectors * length)
    basis.withUnsafeMutableBufferPointer { basis in
        var found = 0
        while found < vectors {
            let vector = basis.baseAddress! + found * length
            for i in 0..<length { vector[i] = stream.normal() }
            var (norm, before) = (dot(vector, vector, length).squareRoot(), Double.infinity)
            // Once more where little is left and rounding has its share of it; twice is enough (Parlett, 1998, The symmetric eigenvalue
            // problem, 6.9).
            for _ in 0..<2 where norm < 0.7 * before {
                for other in 0..<found { subtractProjection(of: vector, on: basis.baseAddress! + other * length, length) }
                before = norm
                norm = dot(vector, vector, length).squareRoot()
            }
            guard norm > 1e-6 else { continue }
            for i in 0..<length { vector[i] /= norm }
            found += 1
        }
    }
    matrix.withMutableBuffer { buffer in
        for row in 0..<rows {
            for column in 0..<columns {
                let value = rows <= columns ? basis[row * length + column] : basis[column * length + row]
                buffer[row * columns + column] = gain * Float(value)
            }
        }
    }
}

private func subtractProjection(of vector: UnsafeMutablePointer<Double>, on unit: UnsafePointer<Double>, _ length: Int) {
    let projection = dot(vector, unit, length)
    for i in 0..<length { vector[i] -= projection * unit[i] }
}

/// Eight sums side by side: the additions of one would wait for each other.
private func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ length: Int) -> Double {
    var sums = SIMD8<Double>.zero
    let whole = length & ~7
    for i in stride(from: 0, to: whole, by: 8) {
        let x = UnsafeRawPointer(a + i).loadUnaligned(as: SIMD8<Double>.self)
        let y = UnsafeRawPointer(b + i).loadUnaligned(as: SIMD8<Double>.self)
        sums += x * y
    }
    var total = sums.sum()
    for i in whole..<length { total += a[i] * b[i] }
    return total
}
