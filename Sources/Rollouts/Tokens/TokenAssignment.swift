import Platform

/// What an actor needs to know to draw responses with a token policy.
public struct TokenAssignment: Sendable, Hashable {
    /// `TransformerSettings.numbers`
    public var transformer: NamedNumbers
    public var sampling: SamplingSettings
    public var plan: GroupPlan
    /// The numbers that follow the parameters in the weights: how tasks are drawn (`TaskGuidance`).
    public var guidance: Int

    public init(transformer: NamedNumbers, sampling: SamplingSettings, plan: GroupPlan, guidance: Int) {
        self.transformer = transformer
        self.sampling = sampling
        self.plan = plan
        self.guidance = guidance
    }
}
