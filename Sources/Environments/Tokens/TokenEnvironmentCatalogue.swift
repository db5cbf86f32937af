/// The token environments that a run may name.
public struct TokenEnvironmentCatalogue: Sendable {
    /// What Apus brings.
    public static let standard = TokenEnvironmentCatalogue([
        Addition.self,
    ])
    /// What this program knows: see `Program`.
    @TaskLocal public static var current = standard

    /// In the order in which they are listed.
    public let environments: [any TokenEnvironment.Type]

    public init(_ environments: [any TokenEnvironment.Type]) { self.environments = environments }

    public func adding(_ environments: [any TokenEnvironment.Type]) -> TokenEnvironmentCatalogue {
        TokenEnvironmentCatalogue(self.environments + environments)
    }

    public var ids: [String] { environments.map { $0.id } }

    public func has(_ id: String) -> Bool { environments.contains { $0.id == id } }

    /// The environment that a run asks for, with its settings checked.
    public func resolve(_ settings: EnvironmentSettings) throws -> any TokenEnvironment {
        guard let found = environments.first(where: { $0.id == settings.id }) else { throw EnvironmentError(unknown: settings.id, known: ids) }
        func make<E: TokenEnvironment>(_ environment: E.Type) throws -> any TokenEnvironment {
            try E(EnvironmentOptions(settings.options, known: E.options, id: E.id))
        }
        return try make(found)
    }
}
