import Platform

/// Why two programs did not come together, in words.
public struct HandshakeRefusal: Remediable, Equatable {
    public let problem: String
    public let place: String
    public let remedy: String

    /// - Parameters:
    ///   - other: what this program wanted to talk to: "the coordinator".
    ///   - keys: this program's own.
    ///   - server: the key that the other side should have.
    public init(_ fault: HandshakeFault, by other: String, at endpoint: Endpoint, keys: Keys?, server: PublicKey?) {
        place = endpoint.description
        switch (fault, keys) {
        case (.keyNotAllowed, let keys?):
            problem = "\(other) does not allow the key \(keys.identity.publicKey) of \(keys.name)"
            remedy = "On the coordinator's host: apus keys allow \(keys.name) '\(keys.identity.publicKey.z85)'"
        case (.keyNotAllowed, nil), (.mechanism, nil):
            problem = "\(other) demands a key, and this program has none"
            remedy = "Give --keys FOLDER. On the coordinator's host, apus keys new --for NAME --authority ITS-FOLDER FOLDER makes one."
        case (.mechanism, _?):
            problem = "\(other) has no key, and this program talks only to one that has"
            remedy = "Start \(other) with --keys; or start this program without --keys and with $APUS_KEYS unset."
        case (.hungUp, let keys?):
            let wanted = server.map { " \($0)" } ?? ""
            problem = "\(other) hangs up: it does not have the key\(wanted) that is expected, or it is no program of Apus"
            remedy = "Compare with `apus keys show` on its host, and put its identity.public in \(keys.folder.coordinatorFile)."
        case (.hungUp, nil):
            problem = "\(other) hangs up before a word is said"
            remedy = "Give the address that apus-coordinator printed."
        }
    }

    /// As the coordinator itself would have said it.
    public var refusal: Refusal { Refusal(.forbidden, problem: "\(problem) (at \(place))", remedy: remedy) }

    /// For a wait: what is missing, in few words.
    public static func words(_ fault: HandshakeFault) -> String {
        switch fault {
        case .keyNotAllowed: "key not allowed"
        case .mechanism: "only one side has a key"
        case .hungUp: "wrong key, or no Apus"
        }
    }
}
