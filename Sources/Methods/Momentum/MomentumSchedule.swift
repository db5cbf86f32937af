import Glibc

/// How momentum and step length change over the steps t = 0, 1, …
public struct MomentumSchedule: Sendable, Hashable {
    /// η_t = (2 / (t + 2))^power: how much of the newest gradient enters the average; 1 at the beginning.
    public var momentumPower: Float
    /// η_t does not fall below.
    public var minimumMomentum: Float
    /// γ_t = rate · (2 / (t + 2))^power.
    public var stepPower: Float

    public init(momentumPower: Float, minimumMomentum: Float = 0, stepPower: Float) {
        self.momentumPower = momentumPower
        self.minimumMomentum = minimumMomentum
        self.stepPower = stepPower
    }

    /// η_t
    public func momentum(_ t: Int) -> Float { max(Float(decay(t, momentumPower)), minimumMomentum) }
    /// γ_t
    public func step(_ t: Int, rate: Float) -> Float { Float(Double(rate) * decay(t, stepPower)) }

    private func decay(_ t: Int, _ power: Float) -> Double { pow(2 / Double(t + 2), Double(power)) }
}

/// The length of a vector, in double precision.
func length(_ x: [Float]) -> Double { x.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
