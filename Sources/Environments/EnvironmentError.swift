import Platform

/// Why there is no such environment, or why it cannot be used as asked.
public struct EnvironmentError: Remediable, Equatable {
    public let problem: String
    public let place: String
    public let remedy: String

    public init(problem: String, place: String, remedy: String) {
        self.problem = problem
        self.place = place
        self.remedy = remedy
    }

    init(unknown id: String, known: [String]) {
        problem = "unknown environment \"\(id)\""
        place = "environment.id"
        remedy = Self.suggestion(id, known)
    }

    init(unknownOption name: String, of id: String, known: [String]) {
        problem = "\(id) has no option \"\(name)\""
        place = "environment.options"
        remedy = known.isEmpty ? "It has no options: remove it." : Self.suggestion(name, known)
    }

    init(option: EnvironmentOption, value: Double) {
        problem = "\(option.name) is \(value), allowed is \(option.allowed)"
        place = "environment.options.\(option.name)"
        remedy = "It is \(option.documentation); the default is \(option.defaultValue)."
    }

    init(slots: Int, id: String) {
        problem = "\(slots) slots of \(id)"
        place = "actors.slots"
        remedy = "Ask for at least one slot."
    }

    init(maxEpisodeSteps limit: Int) {
        problem = "episodes of at most \(limit) steps"
        place = "environment.max_episode_steps"
        remedy = "Allow at least one step, or leave it out for the environment's own limit."
    }

    private static func suggestion(_ name: String, _ known: [String]) -> String {
        (nearest(to: name, in: known).map { "Did you mean \"\($0)\"? " } ?? "") + "Known: \(known.joined(separator: ", "))."
    }
}
