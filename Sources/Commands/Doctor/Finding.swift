import Platform

/// What the doctor has looked at.
struct Finding {
    enum State: String { case fine, warning, broken }

    let name: String
    let state: State
    let text: String
    /// For everything that is not fine: what to do, if possible as a command.
    let remedy: String?

    private init(_ name: String, _ state: State, _ text: String, remedy: String?) {
        self.name = name
        self.state = state
        self.text = text
        self.remedy = remedy
    }

    static func fine(_ name: String, _ text: String) -> Finding { Finding(name, .fine, text, remedy: nil) }
    static func warning(_ name: String, _ text: String, remedy: String) -> Finding { Finding(name, .warning, text, remedy: remedy) }
    static func broken(_ name: String, _ text: String, remedy: String) -> Finding { Finding(name, .broken, text, remedy: remedy) }

    static func broken(_ name: String, _ error: any Error) -> Finding {
        guard let error = error as? any Remediable else { return broken(name, "\(error)", remedy: "Mend what the message says.") }
        return broken(name, error.problem, remedy: error.remedy)
    }

    var json: JSON {
        .object([
            .init("name", .string(name)), .init("state", .string(state.rawValue)), .init("text", .string(text)),
            .init("remedy", remedy.map(JSON.string) ?? .null),
        ])
    }
}
