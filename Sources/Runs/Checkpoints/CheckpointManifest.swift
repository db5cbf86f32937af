import Platform

/// What a checkpoint must hold: the length and CRC-32C of each of its files.
struct CheckpointManifest: Equatable {
    static let fileName = "manifest.json"

    struct File: Equatable {
        var name: String
        var length: Int
        /// Eight hexadecimal digits.
        var crc32c: String
    }
    var version: UInt64
    var files: [File]

    init(version: UInt64, files: [(name: String, bytes: [UInt8])]) {
        self.version = version
        self.files = files.map { File(name: $0.name, length: $0.bytes.count, crc32c: CRC32C.hexadecimal($0.bytes)) }
    }

    /// Nil when it is not a manifest.
    init?(json bytes: [UInt8]) {
        guard let json = try? JSON.parse(bytes, place: Self.fileName), let version = json["version"]?.integer, version >= 0,
            let files = json["files"]?.array
        else { return nil }
        self.version = UInt64(version)
        self.files = []
        for file in files {
            guard let name = file["name"]?.string, let length = file["length"]?.integer, let sum = file["crc32c"]?.string else {
                return nil
            }
            self.files.append(File(name: name, length: length, crc32c: sum))
        }
    }

    var json: [UInt8] {
        let files = files.map { file in
            JSON.object([
                .init("name", .string(file.name)), .init("length", .integer(file.length)), .init("crc32c", .string(file.crc32c)),
            ])
        }
        return JSON.object([.init("version", .integer(Int(version))), .init("files", .array(files))]).serialized() + [UInt8(ascii: "\n")]
    }
}
