import Platform
import Wire

/// The identity of each host: made once, allowed at the coordinator, and kept beside the coordinator's keys.
public struct HostKeys: Sendable {
    /// A file of a key folder.
    public struct File: Sendable {
        public let name: String
        public let content: String

        public init(name: String, content: String) { (self.name, self.content) = (name, content) }
    }

    /// What a host needs, and nothing of anybody else.
    public static let names = ["identity.secret", "identity.public", "coordinator.public"]

    private let authority: KeyFolder

    /// - Parameter authority: the coordinator's key folder.
    public init(authority: KeyFolder) { self.authority = authority }

    /// The folder with the identity of a host, or of all actors of a cluster, which is made if there is none.
    public func folder(of name: String) throws -> KeyFolder {
        let identity = Self.identity(name)
        let folder = KeyFolder(path: "\(authority.path)/hosts/\(identity)")
        if !Files.exists("\(folder.path)/identity.secret") { try authority.makeClient(identity, in: folder) }
        return folder
    }

    public func files(for plan: HostPlan) throws -> [File] {
        let folder = try folder(of: plan.destination)
        return try Self.names.map { name in
            File(name: name, content: String(decoding: try Files.read("\(folder.path)/\(name)"), as: UTF8.self))
        }
    }

    /// A host's name as far as it can be that of an identity.
    static func identity(_ name: String) -> String {
        let known = String(name.map { AllowedKey.isName("a\($0)") ? $0 : "-" }.prefix(64))
        return AllowedKey.isName(known) ? known : "host-\(CRC32C.hexadecimal(Array(name.utf8)))"
    }
}
