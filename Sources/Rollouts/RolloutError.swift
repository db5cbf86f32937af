import Platform

/// What is wrong with a received rollout: column, index and value.
public struct RolloutError: Remediable, Equatable {
    /// The name of the offending column, or the field of the header.
    public let column: String
    public let problem: String
    public let place: String
    public let remedy: String
    /// The numbers are infinite or NaN: a fault of the environment or the policy, not of the message.
    public let isNonFinite: Bool

    init(_ id: RolloutID, _ column: String, _ problem: String, remedy: String, isNonFinite: Bool = false) {
        self.column = column
        self.problem = problem
        self.remedy = remedy
        self.isNonFinite = isNonFinite
        place = "rollout \(id), \(column)"
    }
}
