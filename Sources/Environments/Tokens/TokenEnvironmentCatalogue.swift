/// Token environments that are found by what stands behind a colon: `tasks:PATH`.
public protocol TokenEnvironmentFamily: Sendable {
    /// What stands before the colon.
    var prefix: String { get }
    /// One line for the list of environments.
    var summary: String { get }
    /// - Parameters:
    ///   - name: what stands behind the colon.
    ///   - settings: the whole name, and what the run sets.
    func resolve(_ name: String, _ settings: EnvironmentSettings) throws -> any TokenEnvironment
}

/// The token environments that a run may name.
public struct TokenEnvironmentCatalogue: Sendable {
    /// What Apus brings.
    public static let standard = TokenEnvironmentCatalogue(
        [
            Addition.self, Arithmetic.self, Chain.self, ModeChain.self, Countdown.self, Sorting.self, Reversal.self, Brackets.self,
            ManyAnswers.self, TokenBandit.self, CombinationLock.self, KeyChain.self, Calculator.self, TextToSQL.self,
        ], families: [TaskFiles()])
    /// What this program knows: see `Program`.
    @TaskLocal public static var current = standard

    /// In the order in which they are listed.
    public let environments: [any TokenEnvironment.Type]
    public let families: [any TokenEnvironmentFamily]

    public init(_ environments: [any TokenEnvironment.Type], families: [any TokenEnvironmentFamily] = []) {
        self.environments = environments
        self.families = families
    }

    public func adding(_ environments: [any TokenEnvironment.Type]) -> TokenEnvironmentCatalogue {
        TokenEnvironmentCatalogue(self.environments + environments, families: families)
    }

    public var ids: [String] { environments.map { $0.id } }

    public func has(_ id: String) -> Bool { environments.contains { $0.id == id } || family(id) != nil }

    /// The family of a name with a colon, and what stands behind the colon.
    private func family(_ id: String) -> (any TokenEnvironmentFamily, String)? {
        guard let colon = id.firstIndex(of: ":"), let family = families.first(where: { $0.prefix == id[..<colon] }) else { return nil }
        return (family, String(id[id.index(after: colon)...]))
    }

    /// The environment that a run asks for, with its settings checked.
    public func resolve(_ settings: EnvironmentSettings) throws -> any TokenEnvironment {
        if let (family, name) = family(settings.id) { return try family.resolve(name, settings) }
        guard let found = environments.first(where: { $0.id == settings.id }) else {
            throw EnvironmentError(unknown: settings.id, known: ids + families.map { "\($0.prefix):…" })
        }
        func make<E: TokenEnvironment>(_ environment: E.Type) throws -> any TokenEnvironment {
            try E(EnvironmentOptions(settings.options, known: E.options, id: E.id))
        }
        return try make(found)
    }
}
