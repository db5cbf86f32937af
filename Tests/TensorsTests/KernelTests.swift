import CKernels
import Glibc
import Tensors
import Testing

/// The vector kernels against libm in double precision.
@Suite struct KernelTests {
    static let special: [Float] = [
        0, -0.0, 1, -1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, 88, -88, 88.72,
        88.73, -87.4, -103.9, -104.1, 1e30, -1e30, .greatestFiniteMagnitude,
    ]

    /// About 200 thousand values over the float range, and the special ones, at a length that leaves a rest for every vector width.
    private func inputs(_ range: ClosedRange<Float>) -> [Float] {
        let count = 200_003
        return (0..<count).map { range.lowerBound + (range.upperBound - range.lowerBound) * Float($0) / Float(count) } + Self.special
    }

    private func apply(_ values: [Float], _ function: (Tensor) -> Tensor) -> [Float] { function(Tensor(values, [values.count])).values }

    @Test func exponential() {
        let x = inputs(-110...95)
        var worst = 0.0
        for (x, y) in zip(x, apply(x, exp)) {
            let expected = exp(Double(x))
            if x.isNaN {
                #expect(y.isNaN)
            } else if expected > Double(Float.greatestFiniteMagnitude) {
                #expect(y == .infinity, "exp(\(x)) = \(y)")
            } else if expected < Double(Float.leastNormalMagnitude) {
                #expect(abs(Double(y) - expected) <= 3e-45, "exp(\(x)) = \(y)")
            } else {
                worst = max(worst, abs(Double(y) / expected - 1))
            }
        }
        #expect(worst <= 2e-7)
        #expect(exp(Tensor(0)).scalar == 1 && exp(Tensor(-.infinity)).scalar == 0)
    }

    @Test func logarithm() {
        let x = inputs(0.001...50) + (0..<2000).map { 1 + Float($0 - 1000) * 1e-5 } + [Float.leastNormalMagnitude / 8, 3e38]
        for (x, y) in zip(x, apply(x, log)) {
            let expected = log(Double(x))
            if expected.isNaN { #expect(y.isNaN, "log(\(x)) = \(y)") } else if expected.isInfinite { #expect(Double(y) == expected) } else {
                #expect(abs(Double(y) - expected) <= 2e-7 * max(abs(expected), 1), "log(\(x)) = \(y)")
            }
        }
        #expect(log(Tensor(1)).scalar == 0)
    }

    @Test func hyperbolicTangentAndSigmoid() {
        let x = inputs(-12...12)
        for ((x, t), s) in zip(zip(x, apply(x, tanh)), apply(x, sigmoid)) {
            if x.isNaN {
                #expect(t.isNaN && s.isNaN)
                continue
            }
            #expect(abs(Double(t) - tanh(Double(x))) <= 3e-7 && abs(t) <= 1, "tanh(\(x)) = \(t)")
            #expect(abs(Double(s) - 1 / (1 + exp(-Double(x)))) <= 3e-7, "sigmoid(\(x)) = \(s)")
        }
    }

    /// A value's result does not depend on where it stands in the buffer.
    @Test func positionDoesNotMatter() {
        let values = (0..<97).map { Float($0) * 0.173 - 8 }
        for kernel in [exp, tanh, sigmoid] as [(Tensor) -> Tensor] {
            #expect(apply(values, kernel) == values.map { kernel(Tensor($0)).scalar })
        }
    }

    @Test(arguments: [1, 2, 3, 5, 8, 16, 17, 64, 100]) func columnSums(columns: Int) {
        for rows in [1, 2, 15, 16, 33, 50] {
            let g = (0..<rows * columns).map { Float($0 % 13 - 6) }
            var sums = [Float](repeating: 1, count: columns)
            apus_bias_backward(g, &sums, rows, columns)
            let expected = (0..<columns).map { column in (0..<rows).reduce(Float(1)) { $0 + g[$1 * columns + column] } }
            #expect(sums == expected, "\(rows) rows")
            var z = g
            let bias = (0..<columns).map(Float.init)
            apus_bias(&z, bias, rows, columns)
            #expect(z == g.indices.map { g[$0] + bias[$0 % columns] }, "\(rows) rows")
        }
    }

    @Test func reductions() {
        for count in [0, 1, 15, 16, 17, 100, 1000] {
            let x = (0..<count).map { Float($0 % 7) - 2 }
            #expect(apus_sum(x, count) == x.reduce(0, +))
            #expect(apus_sum_of_squares(x, count) == x.reduce(0) { $0 + $1 * $1 })
            #expect(apus_all_finite(x, count) == 1)
            for bad in [Float.nan, .infinity, -.infinity] where count > 0 {
                for place in [0, count / 2, count - 1] {
                    var y = x
                    y[place] = bad
                    #expect(apus_all_finite(y, count) == 0)
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 6, 11, 16, 17, 64, 100, 300]) func logSoftmaxOfManyWidths(columns: Int) {
        let rows = 37
        let x = (0..<rows * columns).map { Float(sin(Double($0) * 1.7) * 20) + ($0 / columns == 3 ? 1000 : 0) }
        let y = logSoftmax(Tensor(x, [rows, columns])).values
        for row in 0..<rows {
            let part = x[row * columns..<(row + 1) * columns].map(Double.init)
            let top = part.max()!
            let norm = top + log(part.reduce(0) { $0 + exp($1 - top) })
            for column in 0..<columns {
                let expected = part[column] - norm
                #expect(abs(Double(y[row * columns + column]) - expected) <= 4e-7 * max(abs(top), 10))
            }
        }
    }
}
