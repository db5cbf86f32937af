/// h(x) = sign(x) (√(|x| + 1) − 1) + ε x (Pohlen et al., 2018): action values are learned on a scale on which large returns lie closer
/// together, in place of clipped rewards. It grows strictly, so the best action is the same on both scales.
public struct ValueRescaling: Sendable, Hashable {
    /// ε, above 0: keeps the inverse from growing without bound.
    public var epsilon: Double

    public init(epsilon: Double = 1e-3) { self.epsilon = epsilon }

    /// h(x)
    public func callAsFunction(_ x: Double) -> Double {
        let root = (abs(x) + 1).squareRoot() - 1
        return (x < 0 ? -root : root) + epsilon * x
    }

    /// h⁻¹(x) = sign(x) (((√(1 + 4ε (|x| + 1 + ε)) − 1) / 2ε)² − 1)
    public func inverse(_ x: Double) -> Double {
        // √(1 + z) − 1 as z / (√(1 + z) + 1): nothing is lost where ε is small. The square is 1 + y, of which only y is wanted.
        let z = 4 * epsilon * (abs(x) + 1 + epsilon)
        let root = 2 * (abs(x) + 1 + epsilon) / ((1 + z).squareRoot() + 1)
        let y = (root - 1) * (root + 1)
        return x < 0 ? -y : y
    }
}
