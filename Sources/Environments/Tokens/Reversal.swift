/// "3142|" → "2413": the characters from the last to the first, exactly. The level is how many there are.
public struct Reversal: Rearrangement {
    public static let id = "reverse"
    public static let summary = "3142| → the characters from the last to the first; exact match"
    public static let mark: Character = "|"
    public let characters: RearrangedCharacters

    public init(_ options: EnvironmentOptions) throws { characters = try RearrangedCharacters(options) }

    public static func arranged(_ asked: Substring) -> String { String(asked.reversed()) }
}
