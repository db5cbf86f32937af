import CZeroMQ
import Glibc
import Platform

/// A folder with an identity and what it trusts:
///
///     identity.secret        who holds this folder (mode 0600)
///     identity.public        the same without the secret
///     coordinator.public     the coordinator to talk to, and no other
///     allowed/NAME.public    who may connect (of the coordinator)
///     revoked/NAME.public    who may not any more
public struct KeyFolder: Sendable {
    public let path: String

    public init(path: String) { self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }

    /// The folder that `--keys` names, else `$APUS_KEYS`, else none.
    public static func chosen(_ option: String?) -> KeyFolder? {
        let path = option ?? getenv("APUS_KEYS").map { String(cString: $0) } ?? ""
        return path.isEmpty ? nil : KeyFolder(path: path)
    }

    /// Where `apus keys` works when no folder is named.
    public static var standard: KeyFolder {
        chosen(nil) ?? KeyFolder(path: (getenv("HOME").map { String(cString: $0) } ?? ".") + "/.apus/keys")
    }

    var secretFile: String { "\(path)/identity.secret" }
    var publicFile: String { "\(path)/identity.public" }
    var coordinatorFile: String { "\(path)/coordinator.public" }
    var allowedFolder: String { "\(path)/allowed" }
    var revokedFolder: String { "\(path)/revoked" }

    // MARK: Reading

    /// Everything that a program needs to talk to others.
    public func load() throws -> Keys {
        // Without it, libzmq would take the settings of a socket for errors and connect in the clear.
        guard zmq_has("curve") == 1 else {
            throw KeyError("this program's libzmq has no CURVE", path, "Build it with a libzmq that was configured --with-libsodium, or --enable-curve.")
        }
        guard Files.exists(secretFile) else {
            throw KeyError("there is no identity here", path, "Make one: apus keys new '\(path)'")
        }
        let file = try KeyFile(secretFile, isSecret: true)
        return Keys(
            folder: self, name: try file.name(), identity: try file.pair(),
            coordinator: Files.exists(coordinatorFile) ? try KeyFile(coordinatorFile).publicKey() : nil)
    }

    /// Who may connect. The holder of this folder may do everything: it could write any name into it.
    public func allowList() throws -> AllowList {
        let own = try KeyFile(publicFile)
        return try AllowList(entries(allowedFolder) + [AllowedKey(name: own.name(), key: own.publicKey(), roles: .all)])
    }

    /// Who may not connect any more.
    public func revoked() throws -> [AllowedKey] { try entries(revokedFolder) }

    private func entries(_ folder: String) throws -> [AllowedKey] {
        guard Files.isDirectory(folder) else { return [] }
        return try Files.list(folder).filter { $0.hasSuffix(".public") && !$0.hasPrefix(".") }.map { file in
            let name = String(file.dropLast(".public".count))
            guard AllowedKey.isName(name) else { throw KeyError(badName: name, "\(folder)/\(file)") }
            let content = try KeyFile("\(folder)/\(file)")
            return AllowedKey(name: name, key: try content.publicKey(), roles: try content.roles() ?? .actor)
        }
    }

    /// The public key in a file of `apus keys`.
    public static func publicKey(inFile path: String) throws -> PublicKey { try KeyFile(path).publicKey() }

    // MARK: Writing

    /// Makes an identity in this folder.
    ///
    /// - Parameter coordinator: the key to pin; nil: this identity is a coordinator's own.
    /// - Throws: when there is one already: it would be lost.
    @discardableResult
    public func create(name: String, coordinator: PublicKey? = nil) throws -> KeyPair {
        guard AllowedKey.isName(name) else { throw KeyError(badName: name, "--name") }
        guard !Files.exists(secretFile) else {
            throw KeyError("there is an identity already", path, "Show it with `apus keys show '\(path)'`, or choose another folder.")
        }
        try Files.createDirectory(path)
        guard chmod(path, 0o700) == 0 else { throw FileError("restrict access to", path, code: errno) }
        let pair = KeyPair.make()
        let open = ["name = \(name)", "public = \(pair.publicKey.z85)"]
        try KeyFile.write(["# Public key of an Apus identity, fingerprint \(pair.publicKey). Anybody may know it."] + open, to: publicFile, mode: 0o644)
        try KeyFile.write(
            ["# The coordinator that this identity talks to, and no other."] + ["public = \((coordinator ?? pair.publicKey).z85)"],
            to: coordinatorFile, mode: 0o644)
        try KeyFile.write(
            ["# Secret key of an Apus identity: whoever has it is \(name). Keep it on this host; other hosts get their own."] + open
                + ["secret = \(pair.secret)"], to: secretFile, mode: 0o600)
        return pair
    }

    /// Lets the holder of `key` connect, within a second also to a coordinator that runs.
    public func allow(_ key: AllowedKey) throws {
        guard AllowedKey.isName(key.name) else { throw KeyError(badName: key.name, "NAME") }
        let file = "\(allowedFolder)/\(key.name).public"
        if Files.exists(file), try KeyFile(file).publicKey() != key.key {
            throw KeyError("\(key.name) is allowed with another key", file, "Revoke that one first: apus keys revoke \(key.name). Or choose another name.")
        }
        if let former = try revoked().first(where: { $0.key == key.key }) {
            throw KeyError(
                "this key was revoked (\(former.name))", "\(revokedFolder)/\(former.name).public",
                "Make a new identity with `apus keys new`, or remove that file if the key is trusted again.")
        }
        try Files.createDirectory(allowedFolder)
        try KeyFile.write(
            ["# May connect; fingerprint \(key.key).", "public = \(key.key.z85)", "roles = \(key.roles)"], to: file, mode: 0o644)
    }

    /// The holder of the key may not connect any more, and its connections are cut within seconds.
    @discardableResult
    public func revoke(_ name: String) throws -> PublicKey {
        guard AllowedKey.isName(name) else { throw KeyError(badName: name, "NAME") }
        let file = "\(allowedFolder)/\(name).public"
        guard Files.exists(file) else {
            let names = try entries(allowedFolder).map(\.name)
            let guess = nearest(to: name, in: names).map { "Did you mean \($0)? " } ?? ""
            throw KeyError("\(name) is not allowed", allowedFolder, "\(guess)Allowed are: \(names.isEmpty ? "none" : names.joined(separator: ", ")).")
        }
        let key = try KeyFile(file).publicKey()
        try Files.createDirectory(revokedFolder)
        // A second key of that name must not replace the memory of the first.
        let kept = (0...).lazy.map { "\(revokedFolder)/\(name)\($0 == 0 ? "" : ".\($0)").public" }.first { !Files.exists($0) }!
        try Files.move(file, to: kept)
        return key
    }

    /// One step for a new host: a folder with an identity of its own that trusts this folder's coordinator and is allowed there.
    ///
    /// - Parameter client: what to copy to the host, and to nobody else.
    @discardableResult
    public func makeClient(_ name: String, roles: KeyRoles = .actor, in client: KeyFolder) throws -> PublicKey {
        let authority = try KeyFile(publicFile).publicKey()
        let pair = try client.create(name: name, coordinator: authority)
        try allow(AllowedKey(name: name, key: pair.publicKey, roles: roles))
        return pair.publicKey
    }
}

/// A program's own identity and what it trusts.
public struct Keys: Sendable {
    public let folder: KeyFolder
    public let name: String
    public let identity: KeyPair
    /// The only coordinator to talk to.
    public let coordinator: PublicKey?
}
