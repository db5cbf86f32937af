import ArgumentParser
import Wire

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Makes the keys of a run across hosts, and says whose may connect.",
        discussion: """
            The coordinator's folder says who may connect; it sees changes within a second, also while a run goes on. FOLDER is by default $APUS_KEYS,
            else ~/.apus/keys. Exit codes: 0 done, 1 not.
            """,
        subcommands: [NewKey.self, ShowKeys.self, AllowKey.self, RevokeKey.self])
}

/// `--role`, as often as there are roles.
struct RoleOptions: ParsableArguments {
    @Option(name: .customLong("role"), help: "What the holder may be: actor, learner or command (changes a run); repeatable.")
    var words: [String] = ["actor"]

    func validate() throws {
        guard KeyRoles(words: words) != nil else { throw ValidationError("--role is \(words.joined(separator: ", ")), allowed are actor, learner and command.") }
    }

    var roles: KeyRoles { KeyRoles(words: words) ?? .actor }
}
