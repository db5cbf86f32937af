/// "3142<" → "1234": the characters in ascending order, exactly. The level is how many there are.
public struct Sorting: Rearrangement {
    public static let id = "sort"
    public static let summary = "3142< → the characters in ascending order; exact match"
    public static let mark: Character = "<"
    public let characters: RearrangedCharacters

    public init(_ options: EnvironmentOptions) throws { characters = try RearrangedCharacters(options) }

    public static func arranged(_ asked: Substring) -> String { String(asked.sorted()) }
}
