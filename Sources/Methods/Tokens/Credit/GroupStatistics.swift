import Rollouts

/// Mean and standard deviation of numbers.
public struct GroupStatistics: Sendable, Hashable {
    public let mean: Float
    /// With n − 1, as `torch.std`; 0 for less than two numbers.
    public let sampleDeviation: Float
    /// With n.
    public let deviation: Float
    public let count: Int

    public init(_ values: some Collection<Float>) {
        count = values.count
        let mean = values.isEmpty ? 0 : values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        self.mean = Float(mean)
        deviation = values.isEmpty ? 0 : Float((squares / Double(values.count)).squareRoot())
        sampleDeviation = values.count < 2 ? 0 : Float((squares / Double(values.count - 1)).squareRoot())
    }
}
