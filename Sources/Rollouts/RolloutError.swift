import Platform

/// What is wrong with a received rollout: column, index and value.
public struct RolloutError: Remediable, Equatable {
    /// The name of the offending column, or the field of the header.
    public let column: String
    public let problem: String
    public let place: String
    public let remedy: String

    init(_ id: RolloutID, _ column: String, _ problem: String, remedy: String) {
        self.column = column
        self.problem = problem
        self.remedy = remedy
        place = "rollout \(id), \(column)"
    }
}
