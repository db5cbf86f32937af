import Glibc
import Networks
import Platform
import Tensors
import Testing

enum Fixtures {
    /// A file beside the tests.
    static func read(_ name: String, from source: StaticString = #filePath) throws -> [UInt8] {
        let folder = "\(source)".split(separator: "/").dropLast().joined(separator: "/")
        return try #require(readFile("/\(folder)/Fixtures/\(name)"), "cannot read the fixture \(name)")
    }

    /// The cases with this name in a file of golden values.
    static func cases(_ name: String, in file: String) throws -> [JSON] {
        let all = try #require(try JSON.parse(read(file), place: file)["cases"]?.array)
        return all.filter { $0["name"]?.string == name }
    }
}

func readFile(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8]()
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
    return bytes
}

func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    let file = try #require(fopen(path, "wb"))
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    fclose(file)
}

extension JSON {
    /// A list of numbers, nested or not.
    var floats: [Float] { array?.flatMap(\.floats) ?? number.map { [Float($0)] } ?? [] }

    /// {"shape": …, "data": …}
    var tensor: Tensor {
        get throws {
            let shape = try #require(self["shape"]?.array).compactMap { $0.integer }
            return Tensor(try #require(self["data"]?.floats), shape)
        }
    }
}

/// Equal within a tolerance relative to the largest expected value.
func expectClose(
    _ actual: [Float], _ expected: [Float], within tolerance: Float = 1e-5, _ what: String, at location: SourceLocation = #_sourceLocation
) {
    #expect(actual.count == expected.count, "\(what)", sourceLocation: location)
    let scale = max(expected.map(abs).max() ?? 0, 1e-3)
    for (index, (a, e)) in zip(actual, expected).enumerated() where !(abs(a - e) <= tolerance * scale) {
        Issue.record("\(what)[\(index)] is \(a), expected \(e)", sourceLocation: location)
    }
}
