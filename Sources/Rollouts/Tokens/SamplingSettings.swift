import Platform

/// How an actor draws responses and ships them.
public struct SamplingSettings: Sendable, Hashable {
    /// What becomes of unfinished responses when a new policy version arrives.
    public enum Changes: String, Sendable, Hashable, CaseIterable {
        /// They go on with the new weights; every token knows its version. Nobody waits for the longest response.
        case goOn = "continue"
        /// The new weights wait until they are finished: every response is of one version, and slots stand idle meanwhile.
        case wait
        /// They are thrown away and begun anew.
        case drop
    }

    /// How tasks are drawn.
    public enum Tasks: String, Sendable, Hashable, CaseIterable {
        /// All alike.
        case uniform
        /// By weights of their levels.
        case levels
        /// By weights of their own.
        case tasks
    }

    /// Groups in one rollout.
    public var groups = 8
    /// The longest response, in tokens.
    public var longestResponse: Int
    public var temperature: Float = 1
    public var topP: Float = 1
    public var changes = Changes.goOn
    public var tasks = Tasks.uniform

    public init(longestResponse: Int) { self.longestResponse = longestResponse }

    public var numbers: NamedNumbers {
        NamedNumbers([
            "groups": Double(groups), "longest_response": Double(longestResponse), "temperature": Double(temperature), "top_p": Double(topP),
            "changes": Double(Changes.allCases.firstIndex(of: changes)!), "tasks": Double(Tasks.allCases.firstIndex(of: tasks)!),
        ])
    }

    public init(_ numbers: NamedNumbers, place: String) throws(NumberError) {
        var read = NamedNumbers.Reader(numbers, place: place)
        self.init(longestResponse: try read.count("longest_response", 1...1 << 20, 1))
        groups = try read.count("groups", 1...65536, groups)
        temperature = Float(try read.number("temperature", 0...1000, 1))
        topP = Float(try read.number("top_p", 0...1, 1))
        changes = Changes.allCases[try read.count("changes", 0...Changes.allCases.count - 1, 0)]
        tasks = Tasks.allCases[try read.count("tasks", 0...Tasks.allCases.count - 1, 0)]
        try read.finish()
    }
}
