/// Responses with tools: a turn of the policy ends with the stop token, and the environment's reply behind it ends with ";".
///
/// What is a reply is told by its place. A policy may write a ";" too, but only behind the one of the reply before.
extension TokenEnvironment {
    /// What the policy has written in each turn; nil: the last turn was cut, or there is none.
    func turnTexts(_ response: ArraySlice<Int32>) -> [String]? {
        guard response.last == vocabulary.stop else { return nil }
        let turns = vocabulary.decode(response.dropLast()).split(separator: vocabulary.characters[0], omittingEmptySubsequences: false)
        return turns.enumerated().map { index, turn in index == 0 ? String(turn) : String(turn[behindReply(turn)...]) }
    }

    private func behindReply(_ turn: Substring) -> String.Index { turn.firstIndex(of: ";").map { turn.index(after: $0) } ?? turn.startIndex }

    /// What the environment says.
    func reply(_ text: String) -> Turn { .reply(vocabulary.tokens(ofOwn: text + ";")) }
}
