import ArgumentParser
import Platform
import Wire

struct ShowKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a folder's identity, the coordinator that it trusts, and whose keys it allows and has revoked.")

    @Argument(help: ArgumentHelp("The folder to look into.", valueName: "folder"))
    var path: String?

    @OptionGroup var report: ReportOptions

    func run() throws {
        let folder = path.map(KeyFolder.init(path:)) ?? .standard
        let keys = try folder.load()
        let (allowed, revoked) = (try folder.allowList().keys.filter { $0.key != keys.identity.publicKey }, try folder.revoked())
        report.print(text(keys, allowed, revoked), json: json(keys, allowed, revoked))
    }

    private func text(_ keys: Keys, _ allowed: [AllowedKey], _ revoked: [AllowedKey]) -> String {
        let own = keys.identity.publicKey
        var lines = ["\(keys.name): \(own), in \(keys.folder.path)"]
        if let coordinator = keys.coordinator { lines.append(coordinator == own ? "serves as a coordinator" : "trusts the coordinator \(coordinator)") }
        var table = TextTable([("name", .left), ("key", .left), ("may be", .left)])
        for key in allowed { table.add([key.name, "\(key.key)", "\(key.roles)"]) }
        for key in revoked { table.add([key.name, "\(key.key)", "revoked"]) }
        if !(allowed + revoked).isEmpty { lines.append(table.text) }
        return (lines + ["let it in elsewhere:  apus keys allow \(keys.name) '\(own.z85)'"]).joined(separator: "\n")
    }

    private func json(_ keys: Keys, _ allowed: [AllowedKey], _ revoked: [AllowedKey]) -> JSON {
        func one(_ key: AllowedKey) -> JSON {
            .object([
                .init("name", .string(key.name)), .init("public", .string(key.key.z85)), .init("fingerprint", .string(key.key.description)),
                .init("roles", .string(key.roles.description)),
            ])
        }
        return .object([
            .init("name", .string(keys.name)), .init("public", .string(keys.identity.publicKey.z85)),
            .init("fingerprint", .string(keys.identity.publicKey.description)),
            .init("coordinator", keys.coordinator.map { .string($0.description) } ?? .null), .init("allowed", .array(allowed.map(one))),
            .init("revoked", .array(revoked.map(one))),
        ])
    }
}
