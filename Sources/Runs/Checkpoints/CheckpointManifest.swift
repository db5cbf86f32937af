import Foundation

/// What a checkpoint must hold: the length and CRC-32C of each of its files.
struct CheckpointManifest: Codable, Equatable {
    static let fileName = "manifest.json"

    struct File: Codable, Equatable {
        var name: String
        var length: Int
        /// Eight hexadecimal digits.
        var crc32c: String
    }
    var version: UInt64
    var files: [File]

    init(version: UInt64, files: [(name: String, bytes: [UInt8])]) {
        self.version = version
        self.files = files.map { File(name: $0.name, length: $0.bytes.count, crc32c: Self.hexadecimal(CRC32C.of($0.bytes))) }
    }

    /// Nil when it is not a manifest.
    init?(json: [UInt8]) {
        guard let manifest = try? JSONDecoder().decode(Self.self, from: Data(json)) else { return nil }
        self = manifest
    }

    var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        // Whole numbers and texts: there is nothing here that JSON cannot hold.
        return [UInt8](try! encoder.encode(self)) + [UInt8(ascii: "\n")]
    }

    static func hexadecimal(_ sum: UInt32) -> String {
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
