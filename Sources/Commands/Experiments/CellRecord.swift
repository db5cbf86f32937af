import Platform

/// The cells of experiments that are done, one JSON line each: what lets an interrupted experiment go on where it stopped.
///
/// Failed cells are not in it: they are tried again. Several experiments may share a file, for a cell is known by what decides its result.
final class CellRecord {
    let path: String
    private let file: AppendFile
    private var results: [String: CellResult] = [:]

    /// Opens the file, or makes it and the folders above it. Lines that are no result are passed over: a machine that lost power may have
    /// left one unfinished.
    init(_ path: String) throws {
        self.path = path
        try Files.createDirectory(Files.parent(of: path))
        file = try AppendFile(path)
        let bytes = try Files.read(path)
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let json = try? JSON.parse(Array(line), place: path), let identity = json["identity"]?.string,
                let result = json["result"].flatMap({ CellResult($0) })
            else { continue }
            results[identity] = result
        }
        if let last = bytes.last, last != UInt8(ascii: "\n") { try file.append([UInt8(ascii: "\n")]) }
    }

    subscript(identity: String) -> CellResult? { results[identity] }

    func append(_ cell: Cell, _ identity: String, _ result: CellResult) throws {
        results[identity] = result
        let line = JSON.object([
            .init("identity", .string(identity)), .init("apus", .string(Release.version)), .init("cell", .string(cell.label)),
            .init("lag", .string(cell.lag.text)), .init("seed", .string("\(cell.spec.seed)")), .init("result", result.json),
        ])
        try file.append(line.serialized() + [UInt8(ascii: "\n")])
    }

    /// Forgets what is known, so that every cell is run anew; the file keeps its lines, of which the last of a cell counts.
    func forget() { results = [:] }
}
