import CWire

/// Whose key a member has proved.
public struct MemberIdentity: Sendable, Hashable {
    /// The name under which the coordinator allows the key.
    public var name: String
    public var fingerprint: UInt64

    public init(name: String, fingerprint: UInt64) {
        self.name = name
        self.fingerprint = fingerprint
    }
}

extension AllowedKey {
    public var identity: MemberIdentity { MemberIdentity(name: name, fingerprint: key.fingerprint) }
}

/// A key that was turned away.
public struct RejectedKey: Sendable, Equatable {
    public var fingerprint: UInt64
    public var address: String
    public var count: UInt64
    public var secondsAgo: Double

    public init(fingerprint: UInt64, address: String, count: UInt64, secondsAgo: Double) {
        self.fingerprint = fingerprint
        self.address = address
        self.count = count
        self.secondsAgo = secondsAgo
    }

    func message(_ arena: inout Arena) -> Apus__RejectedKey {
        var message = Apus__RejectedKey()
        apus__rejected_key__init(&message)
        (message.fingerprint, message.address, message.count, message.seconds_ago) = (fingerprint, arena.string(address), count, secondsAgo)
        return message
    }

    init(_ message: Apus__RejectedKey) {
        self.init(
            fingerprint: message.fingerprint, address: text(message.address, limit: 256), count: message.count, secondsAgo: message.seconds_ago)
    }
}

extension AllowList {
    func message(_ arena: inout Arena) -> Apus__AllowList {
        var message = Apus__AllowList()
        apus__allow_list__init(&message)
        message.n_keys = count
        message.keys = arena.messages(keys) { allowed, arena in
            var one = Apus__AllowedKey()
            apus__allowed_key__init(&one)
            (one.name, one.key, one.roles) = (arena.string(allowed.name), arena.string(allowed.key.z85), allowed.roles.rawValue)
            return one
        }
        return message
    }

    init(_ message: Apus__AllowList) throws(WireError) {
        var keys: [AllowedKey] = []
        for one in elements(message.n_keys, message.keys) {
            let (name, roles) = (text(one.name, limit: 256), KeyRoles(rawValue: one.roles))
            guard AllowedKey.isName(name) else { throw .invalid(field: "AllowedKey.name", value: "\"\(name)\"", allowed: "a name") }
            guard !roles.isEmpty, KeyRoles.all.isSuperset(of: roles) else {
                throw .invalid(field: "AllowedKey.roles", value: "\(one.roles)", allowed: "1…7")
            }
            keys.append(AllowedKey(name: name, key: try publicKey(text(one.key, limit: 64), "AllowedKey.key"), roles: roles))
        }
        self.init(keys)
    }
}

func publicKey(_ text: String, _ field: String) throws(WireError) -> PublicKey {
    guard let key = PublicKey(text) else { throw .invalid(field: field, value: "\"\(text)\"", allowed: "40 characters of Z85") }
    return key
}
