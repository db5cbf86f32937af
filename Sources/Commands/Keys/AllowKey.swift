import ArgumentParser
import Platform
import Wire

struct AllowKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allow", abstract: "Lets the holder of a key connect.",
        discussion: "KEY is a file (the other's identity.public) or 40 characters in single quotes. A coordinator that runs sees it within a second.")

    @Argument(help: ArgumentHelp("What the status and the logs call the holder.", valueName: "name"))
    var name: String

    @Argument(help: ArgumentHelp("The public key, or the file with it.", valueName: "key"))
    var key: String

    @OptionGroup var roles: RoleOptions

    @Option(help: ArgumentHelp("The coordinator's folder; by default $APUS_KEYS, else ~/.apus/keys.", valueName: "folder"))
    var keys: String?

    func run() throws {
        let folder = keys.map(KeyFolder.init(path:)) ?? .standard
        _ = try folder.load()
        let key = try PublicKey(self.key) ?? KeyFolder.publicKey(inFile: self.key)
        try folder.allow(AllowedKey(name: name, key: key, roles: roles.roles))
        Console.output("\(name) (\(key)) may connect as \(roles.roles)")
    }
}

struct RevokeKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Lets the holder of a key connect no more.",
        discussion: "A coordinator that runs sees it within a second, and cuts the holder's connections; everybody else comes back by itself.")

    @Argument(help: ArgumentHelp("Whose key.", valueName: "name"))
    var name: String

    @Option(help: ArgumentHelp("The coordinator's folder; by default $APUS_KEYS, else ~/.apus/keys.", valueName: "folder"))
    var keys: String?

    func run() throws {
        let key = try (keys.map(KeyFolder.init(path:)) ?? .standard).revoke(name)
        Console.output("\(name) (\(key)) may not connect any more")
    }
}
