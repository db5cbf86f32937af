/// How a method turns rewards into advantages and value targets. Constants for the gradient.
public protocol Credit: Sendable {
    /// Fills `advantages` and `valueTargets` of one sequence.
    /// - Parameter ratios: ρ_t = π / μ of the steps taken.
    func assign(
        _ sequence: CreditSequence, ratios: Strided<Float>, advantages: MutableStrided<Float>, valueTargets: MutableStrided<Float>)

    /// What is worth watching about a whole batch's ratios.
    func metrics(ratios: UnsafeBufferPointer<Float>) -> [Metric]
}

extension Credit {
    public func metrics(ratios: UnsafeBufferPointer<Float>) -> [Metric] { [] }
}
