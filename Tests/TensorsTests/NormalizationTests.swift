import Tensors
import Testing

@Suite struct NormalizationTests {
    @Test func normalizeLimits() {
        let x = Tensor([1, 10, -100, 3, 20, .nan], [2, 3])
        let y = normalize(x, mean: Tensor([1, 0, 0], [3]), scale: Tensor([2, 0.5, 1], [3]), limit: 5)
        #expect(y.values[..<5] == [0, 5, -5, 4, 5] && y.values[5].isNaN)
    }

    /// The shift keeps the precision that sums of squares far from 0 lose: deviations of 0.5 around 10⁶.
    @Test func momentsFarFromZero() {
        let rows = 1001
        let x = Tensor([rows, 2]) { to in
            for row in 0..<rows {
                to[2 * row] = 1e6 + Float(row % 3) * 0.5
                to[2 * row + 1] = Float(row)
            }
        }
        let moments = columnMoments(x, shift: [1e6, 500])
        #expect(moments.count == rows)
        let counts = (0..<3).map { remainder in (0..<rows).filter { $0 % 3 == remainder }.count }
        #expect(moments.sums[0] == Double(counts[1]) * 0.5 + Double(counts[2]))
        #expect(moments.squares[0] == Double(counts[1]) * 0.25 + Double(counts[2]))
        let squares = 2 * (0...500).map { $0 * $0 }.reduce(0, +)
        #expect(moments.sums[1] == 0)
        #expect(moments.squares[1] == Double(squares))
    }

    /// The correction of the squashed density stays exact where 1 − tanh² is 0 in float.
    @Test func squashFarOut() {
        let y = squashLogSlope(Tensor([40, -40, 0], [3, 1])).values
        let expected: Float = 2 * (0.69314718 - 40)
        #expect(abs(y[0] - expected) <= 1e-5 && abs(y[1] - expected) <= 1e-5 && abs(y[2]) <= 1e-6)
    }

    @Test func concatenationAndItsParts() {
        let a = Tensor([1, 2, 3, 4], [2, 2]), b = Tensor([5, 6], [2, 1])
        let whole = concatenate(a, b)
        #expect(whole.shape == [2, 3] && whole.values == [1, 2, 5, 3, 4, 6])
        #expect(whole.columns(0..<2).values == a.values && whole.columns(2..<3).values == b.values)
    }
}
