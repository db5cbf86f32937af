import Glibc

/// A recorded trajectory of Gymnasium: one row of numbers per step, by column name.
struct Trace {
    let columns: [String: Int]
    let rows: [[Double]]

    init(_ name: String) throws {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let path = "/\(folder)/Fixtures/\(name).csv"
        guard let file = fopen(path, "r") else { throw TraceError(path: path) }
        defer { fclose(file) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let read = fread(&buffer, 1, buffer.count, file), read > 0 { text += buffer[..<read] }
        let lines = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
        columns = Dictionary(uniqueKeysWithValues: lines[0].split(separator: ",").enumerated().map { (String($1), $0) })
        rows = lines.dropFirst().map { $0.split(separator: ",").map { Double($0)! } }
    }

    /// The columns `prefix0`, `prefix1`, … of a row.
    func vector(_ prefix: String, _ row: [Double]) -> [Double] {
        (0...).lazy.map { columns["\(prefix)\($0)"] }.prefix { $0 != nil }.map { row[$0!] }
    }
    func scalar(_ name: String, _ row: [Double]) -> Double { row[columns[name]!] }
}

struct TraceError: Error { let path: String }
