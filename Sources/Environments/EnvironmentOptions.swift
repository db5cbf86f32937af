import Platform

/// One number that a run may set for an environment (`environment.options.NAME`).
public struct EnvironmentOption: Sendable, Hashable {
    public let name: String
    public let defaultValue: Double
    /// What is allowed.
    public let range: ClosedRange<Double>
    /// One line.
    public let documentation: String

    public init(_ name: String, _ defaultValue: Double, _ range: ClosedRange<Double>, _ documentation: String) {
        self.name = name
        self.defaultValue = defaultValue
        self.range = range
        self.documentation = documentation
    }

    /// What is allowed, in words.
    public var allowed: String {
        range.upperBound == .infinity ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
    }
}

/// The options of an environment, every one with a value.
public struct EnvironmentOptions: Sendable, Hashable {
    private let values: [String: Double]

    /// The defaults, but for what is `chosen`; names and values are checked.
    package init(_ chosen: [String: Double], known: [EnvironmentOption], id: String) throws(EnvironmentError) {
        var values = Dictionary(uniqueKeysWithValues: known.map { ($0.name, $0.defaultValue) })
        // Sorted, so that of several mistakes always the same one is told first.
        for (name, value) in chosen.sorted(by: { $0.key < $1.key }) {
            guard let option = known.first(where: { $0.name == name }) else {
                throw EnvironmentError(unknownOption: name, of: id, known: known.map(\.name))
            }
            guard option.range.contains(value) else { throw EnvironmentError(option: option, value: value) }
            values[name] = value
        }
        self.values = values
    }

    /// An option that the environment lists.
    public subscript(name: String) -> Double {
        guard let value = values[name] else { preconditionFailure("there is no option \(name); listed are \(values.keys.sorted())") }
        return value
    }
}
