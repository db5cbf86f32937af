import ArgumentParser
import Platform
import Wire

struct NewKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Makes an identity: for a coordinator, or with --for in one step for a host that takes part.",
        discussion: """
            Without --for, FOLDER is a coordinator's: it has its key and says who may connect. With --for, FOLDER is what one host needs: a key of its own
            and the coordinator's to talk to; the coordinator's folder (--authority) allows it.
            """)

    @Argument(help: ArgumentHelp("The folder to make.", valueName: "folder"))
    var folder: String?

    @Option(help: "What the status and the logs call the identity; by default this host's name.")
    var name: String?

    @Option(name: .customLong("for"), help: ArgumentHelp("Make the folder of a host with this name.", valueName: "name"))
    var host: String?

    @Option(help: ArgumentHelp("With --for: the coordinator's folder; by default $APUS_KEYS, else ~/.apus/keys.", valueName: "folder"))
    var authority: String?

    @OptionGroup var roles: RoleOptions
    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard host == nil || folder != nil else { throw ValidationError("Say where: apus keys new --for NAME FOLDER") }
        guard host == nil || name == nil else { throw ValidationError("Give --name or --for, not both.") }
        guard host != nil || authority == nil else { throw ValidationError("--authority needs --for NAME.") }
    }

    func run() throws {
        let target = folder.map(KeyFolder.init(path:)) ?? .standard
        if let host {
            let authority = authority.map(KeyFolder.init(path:)) ?? .standard
            let key = try authority.makeClient(host, roles: roles.roles, in: target)
            report.print(
                """
                \(host) has the key \(key) and may connect as \(roles.roles) (allowed in \(authority.path))
                copy \(target.path) to that host and to nobody else, for example: scp -rp \(target.path) \(host):apus-keys
                there: apus-actor --coordinator tcp://HOST:7700 --keys apus-keys
                """, json: json(host, key, target))
        } else {
            let name = name ?? Self.hostName
            let key = try target.create(name: name).publicKey
            report.print(
                """
                \(name) has the key \(key), in \(target.path)
                serve a run with it:     apus-coordinator --run cartpole --bind tcp://0.0.0.0:7700 --keys \(target.path)
                attach the learner:      apus-learner --coordinator tcp://127.0.0.1:7700 --bind 0.0.0.0 --advertise THIS-HOST --keys \(target.path)
                let another host in:     apus keys new --for NAME --authority \(target.path) NAME-keys
                for every command here:  export APUS_KEYS=\(target.path)
                """, json: json(name, key, target))
        }
    }

    private func json(_ name: String, _ key: PublicKey, _ folder: KeyFolder) -> JSON {
        .object([
            .init("name", .string(name)), .init("public", .string(key.z85)), .init("fingerprint", .string(key.description)),
            .init("folder", .string(folder.path)),
        ])
    }

    /// This host's name as far as it can be that of an identity.
    private static var hostName: String {
        let name = ProcessIdentity.hostName.filter { AllowedKey.isName("\($0)") || $0 == "-" || $0 == "." }.prefix(64)
        return AllowedKey.isName(String(name)) ? String(name) : "coordinator"
    }
}
