/// What the holder of a key may be.
public struct KeyRoles: OptionSet, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let actor = KeyRoles(rawValue: 1)
    public static let learner = KeyRoles(rawValue: 2)
    /// Commands that change a run. Asking for the status takes no role.
    public static let command = KeyRoles(rawValue: 4)
    public static let all: KeyRoles = [.actor, .learner, .command]

    private static let names: [(KeyRoles, String)] = [(.actor, "actor"), (.learner, "learner"), (.command, "command")]

    /// nil when a word names no role, or there is none.
    public init?(words: [some StringProtocol]) {
        var roles: KeyRoles = []
        for word in words {
            guard let named = Self.names.first(where: { $0.1 == word }) else { return nil }
            roles.insert(named.0)
        }
        guard !roles.isEmpty else { return nil }
        self = roles
    }

    public var description: String { Self.names.filter { contains($0.0) }.map(\.1).joined(separator: ", ") }

    public func allows(_ role: Role) -> Bool { contains(role == .actor ? .actor : .learner) }
}

/// Somebody who may connect.
public struct AllowedKey: Sendable, Hashable {
    /// What logs, the status and the run's record call the holder.
    public var name: String
    public var key: PublicKey
    public var roles: KeyRoles

    public init(name: String, key: PublicKey, roles: KeyRoles) {
        self.name = name
        self.key = key
        self.roles = roles
    }

    /// Whether `name` can be that of a file on every system, and fits into a log line.
    public static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.first != "." && name.first != "-"
            && name.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "._-@".utf8.contains($0)
            }
    }
}

/// Who may connect: a key that does not stand here gets nothing.
public struct AllowList: Sendable, Equatable {
    private var byKey: [PublicKey: AllowedKey] = [:]

    /// Of several entries with the same key, the last one counts.
    public init(_ keys: [AllowedKey] = []) { for key in keys { byKey[key.key] = key } }

    public subscript(key: PublicKey?) -> AllowedKey? { key.flatMap { byKey[$0] } }
    public var count: Int { byKey.count }
    /// Sorted by name.
    public var keys: [AllowedKey] { byKey.values.sorted { ($0.name, $0.key.z85) < ($1.name, $1.key.z85) } }

    /// The keys of `before` that may not connect any more, or not as what they were.
    public func revoked(since before: AllowList) -> Set<PublicKey> { Set(before.byKey.filter { byKey[$0.key] != $0.value }.keys) }
}
