/// The characters of Apus' token environments: one token each. Token 0 ends a response.
public struct Vocabulary: Sendable, Hashable {
    /// One vocabulary for all environments, so that a policy may go from one to another: 64 tokens.
    public static let standard = Vocabulary("\n 0123456789abcdefghijklmnopqrstuvwxyz+-*/%=<>()[]{}#?!.,;:'\"_|@")

    public let characters: [Character]
    private let tokens: [Character: Int32]

    public init(_ characters: String) {
        self.characters = Array(characters)
        tokens = Dictionary(uniqueKeysWithValues: self.characters.enumerated().map { ($1, Int32($0)) })
    }

    public var count: Int { characters.count }
    /// Ends a response, or a turn of one.
    public var stop: Int32 { 0 }

    /// - Throws: `TokenTaskError` that names the first character that has no token.
    public func encode(_ text: String) throws(TokenTaskError) -> [Int32] {
        var encoded: [Int32] = []
        encoded.reserveCapacity(text.utf8.count)
        for (index, character) in text.enumerated() {
            guard let token = tokens[character] else {
                throw TokenTaskError(
                    problem: "the character \"\(character)\" has no token", place: "character \(index + 1) of \"\(text)\"",
                    remedy: "Use the characters of the vocabulary: \(String(characters.dropFirst())).")
            }
            encoded.append(token)
        }
        return encoded
    }

    /// The tokens of a text that an environment has made itself of the vocabulary's characters; anything else is a mistake in its code.
    public func tokens(ofOwn text: String) -> [Int32] {
        text.map { character in
            guard let token = tokens[character] else { preconditionFailure("\"\(character)\" in \"\(text)\" has no token") }
            return token
        }
    }

    /// The text of tokens; a token outside of the vocabulary is shown as �.
    public func decode(_ tokens: some Sequence<Int32>) -> String {
        String(tokens.map { characters.indices.contains(Int($0)) ? characters[Int($0)] : "\u{FFFD}" })
    }
}
