/// Solves A x = b for a symmetric, positive semi-definite A that is known by its products alone (Hestenes & Stiefel, 1952), from x = 0.
///
/// - Parameters:
///   - iterations: at most so many products; as many as A has different eigenvalues give the exact solution.
///   - tolerance: ends when |b − A x|² ≤ tolerance · |b|².
public func conjugateGradients(
    _ b: [Double], iterations: Int = 10, tolerance: Double = 1e-10, product: ([Double]) -> [Double]
) -> [Double] {
    var x = [Double](repeating: 0, count: b.count)
    var (residual, direction) = (b, b)
    var square = dot(b, b)
    let enough = tolerance * square
    for _ in 0..<iterations where square > enough {
        let image = product(direction)
        let curvature = dot(direction, image)
        // Rounding may make a flat direction look bent downwards.
        guard curvature > 0 else { break }
        let step = square / curvature
        for k in x.indices {
            x[k] += step * direction[k]
            residual[k] -= step * image[k]
        }
        let next = dot(residual, residual)
        for k in direction.indices { direction[k] = residual[k] + next / square * direction[k] }
        square = next
    }
    return x
}

func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for k in a.indices { sum += a[k] * b[k] }
    return sum
}
