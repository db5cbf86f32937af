/// The same advantage for every step, whatever the rewards. −1 makes an objective that is climbed by doing something else than what was
/// done (S204). The value targets are the values.
public struct ConstantAdvantage: Credit {
    public var advantage: Float
    public init(_ advantage: Float) { self.advantage = advantage }

    public func assign(
        _ sequence: CreditSequence, ratios: Strided<Float>, advantages: MutableStrided<Float>, valueTargets: MutableStrided<Float>
    ) {
        for t in 0..<sequence.count { (advantages[t], valueTargets[t]) = (advantage, sequence.values[t]) }
    }
}
