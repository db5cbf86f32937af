import CZeroMQ
import Glibc
import Platform

/// The public half of a CURVE key: what others may know of an identity.
public struct PublicKey: Sendable, Hashable, CustomStringConvertible {
    /// 32 bytes as 40 characters (ZeroMQ RFC 32).
    public let z85: String

    /// nil when `text` is no key.
    public init?(_ text: String) {
        guard Z85.decode(text) != nil else { return nil }
        z85 = text
    }

    public init?(bytes: [UInt8]) {
        guard let text = Z85.encode(bytes) else { return nil }
        z85 = text
    }

    /// What people and the ledger tell keys apart by: the key's first 64 bits. Making another key with the same ones takes 2^64 tries.
    public var fingerprint: UInt64 { Z85.decode(z85)!.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }

    /// The fingerprint as people read it: `0123-4567-89ab-cdef`.
    public var description: String { Self.text(fingerprint: fingerprint) }

    public static func text(fingerprint: UInt64) -> String {
        let digits = String(fingerprint, radix: 16)
        let padded = Array(String(repeating: "0", count: 16 - digits.count) + digits)
        return stride(from: 0, to: 16, by: 4).map { String(padded[$0..<$0 + 4]) }.joined(separator: "-")
    }
}

/// An identity: who holds the secret half is who the public half says.
public struct KeyPair: Sendable, Equatable {
    public let publicKey: PublicKey
    let secret: String

    /// A new one, from the system's random numbers.
    public static func make() -> KeyPair {
        var (open, secret) = ([CChar](repeating: 0, count: 41), [CChar](repeating: 0, count: 41))
        guard zmq_curve_keypair(&open, &secret) == 0 else {
            preconditionFailure("libzmq was built without CURVE: install libzmq5 of Debian, which has it")
        }
        return KeyPair(secret: keyText(secret))!
    }

    /// nil when `secret` is no key.
    init?(secret: String) {
        guard Z85.decode(secret) != nil else { return nil }
        var open = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&open, secret) == 0, let publicKey = PublicKey(keyText(open)) else { return nil }
        (self.publicKey, self.secret) = (publicKey, secret)
    }
}

private func keyText(_ characters: [CChar]) -> String { String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) }

/// Keys as text.
private enum Z85 {
    /// 32 bytes, or nil when `text` is no key.
    static func decode(_ text: String) -> [UInt8]? {
        // libzmq takes any byte for a digit's number: the alphabet is checked here.
        guard text.utf8.count == 40, text.utf8.allSatisfy({ alphabet.contains($0) }) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 32)
        return zmq_z85_decode(&bytes, text) == nil ? nil : bytes
    }

    static func encode(_ bytes: [UInt8]) -> String? {
        guard bytes.count == 32 else { return nil }
        var characters = [CChar](repeating: 0, count: 41)
        return zmq_z85_encode(&characters, bytes, 32) == nil ? nil : keyText(characters)
    }

    private static let alphabet = Set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)
}
