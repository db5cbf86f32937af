import Platform

/// One number that a run may set for a method.
public struct MethodOption: Sendable {
    public let name: String
    public let defaultValue: Double
    /// What is allowed; of a flag, only the two ends.
    public let range: ClosedRange<Double>
    public let isFlag: Bool
    /// Only whole numbers are allowed.
    public let isWhole: Bool
    /// One line.
    public let documentation: String

    public init(
        _ name: String, _ defaultValue: Double, _ range: ClosedRange<Double>, isFlag: Bool = false, isWhole: Bool = false,
        _ documentation: String
    ) {
        self.name = name
        self.defaultValue = defaultValue
        self.range = range
        self.isFlag = isFlag
        self.isWhole = isWhole
        self.documentation = documentation
    }

    /// What is allowed, in words.
    public var allowed: String {
        if isFlag { return "0 or 1" }
        let limits = range.upperBound == .infinity ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
        return isWhole ? "a whole number, \(limits)" : limits
    }

    func allows(_ value: Double) -> Bool { 
        range.contains(value) && (!isFlag || value == 0 || value == 1) && (!isWhole || value == value.rounded())
    }
}

/// A method in the catalogue: what it is called, what can be set, and how it is made.
public struct MethodEntry: Sendable {
    public let id: String
    /// The family: which kind of learner runs it.
    public let kind: String
    /// One line.
    public let summary: String
    /// Where the method comes from: authors, year, number.
    public let paper: String
    /// Its number in Apus' list of papers, such as B03 or S019; empty for methods from elsewhere.
    public let paperID: String
    public let options: [MethodOption]
    /// The paper's claim at small scale; nil: none yet.
    public let proof: Proof?
    private let recipe: @Sendable (MethodOptions) -> any Algorithm

    /// - Parameter recipe: makes the method from the values of its options.
    public init(
        id: String, kind: String, summary: String, paper: String, paperID: String = "", options: [MethodOption], proof: Proof? = nil,
        recipe: @escaping @Sendable (MethodOptions) -> any Algorithm
    ) {
        self.id = id
        self.kind = kind
        self.summary = summary
        self.paper = paper
        self.paperID = paperID
        self.options = options
        self.proof = proof
        self.recipe = recipe
    }

    public var staleness: Staleness { defaults.staleness }

    /// The method with every option at its default.
    public var defaults: any Algorithm { make([:]) }

    fileprivate func make(_ chosen: [String: Double]) -> any Algorithm { recipe(MethodOptions(id: id, options, chosen)) }
}

/// The values of a method's options in one run.
public struct MethodOptions: Sendable {
    private let id: String
    private let options: [MethodOption]
    private let chosen: [String: Double]

    fileprivate init(id: String, _ options: [MethodOption], _ chosen: [String: Double]) {
        self.id = id
        self.options = options
        self.chosen = chosen
    }

    public func callAsFunction(_ name: String) -> Float { Float(number(name)) }
    /// A whole number.
    public func count(_ name: String) -> Int { Int(number(name)) }
    /// nil for 0, which stands for "not used".
    public func unlessZero(_ name: String) -> Float? { number(name) == 0 ? nil : Float(number(name)) }
    public func flag(_ name: String) -> Bool { number(name) == 1 }

    private func number(_ name: String) -> Double {
        guard let option = options.first(where: { $0.name == name }) else {
            preconditionFailure("the recipe of \(id) asks for an option \(name) that it does not list")
        }
        return chosen[name] ?? option.defaultValue
    }
}

/// The methods that a run may name.
public struct MethodCatalogue: Sendable {
    /// What Apus brings.
    public static let standard = MethodCatalogue([
        .a2c,
        .acer,
        .apexDQN,
        .appo,
        .bapo,
        .cispo,
        .dcpo,
        .decoupledPPO,
        .dqn,
        .egae,
        .gppo,
        .harpg,
        .impact,
        .mdpo,
        .mdpoOff,
        .nHARPG,
        .npg,
        .nPGIGT,
        .ppo,
        .ppoMax,
        .props,
        .r2d2,
        .reinforce,
        .sac,
        .td3,
        .tis,
        .topr,
        .trpo,
        .vtrace,
    ] + tokens)
    /// What this program knows: see `Program`.
    @TaskLocal public static var current = standard

    /// In the order in which they are listed.
    public let methods: [MethodEntry]

    public init(_ methods: [MethodEntry]) { self.methods = methods }

    public func adding(_ methods: [MethodEntry]) -> MethodCatalogue { MethodCatalogue(self.methods + methods) }

    /// The entry of that name.
    public func method(id: String) throws(MethodError) -> MethodEntry {
        guard let entry = methods.first(where: { $0.id == id }) else {
            throw MethodError(
                problem: "unknown method \"\(id)\"", place: "method.id", remedy: suggestion(id, methods.map(\.id)))
        }
        return entry
    }

    /// A method with some options set and the others at their defaults.
    public func make(id: String, options: [String: Double] = [:]) throws(MethodError) -> any Algorithm {
        let entry = try method(id: id)
        // Sorted, so that of several mistakes always the same one is told first.
        for (name, value) in options.sorted(by: { $0.key < $1.key }) {
            guard let option = entry.options.first(where: { $0.name == name }) else {
                throw MethodError(
                    problem: "method \(id) has no option \"\(name)\"", place: "method.options",
                    remedy: suggestion(name, entry.options.map(\.name)))
            }
            guard option.allows(value) else {
                throw MethodError(
                    problem: "\(name) is \(value), allowed is \(option.allowed)", place: "method.options.\(name)",
                    remedy: "It is \(option.documentation); the default is \(option.defaultValue).")
            }
        }
        return entry.make(options)
    }

    private func suggestion(_ name: String, _ known: [String]) -> String {
        (nearest(to: name, in: known).map { "Did you mean \"\($0)\"? " } ?? "") + "Known: \(known.joined(separator: ", "))."
    }
}

/// Why a method cannot be made as asked.
public struct MethodError: Remediable, Equatable {
    public let problem: String
    public let place: String
    public let remedy: String
}
