import Platform
import Tensors

/// Why bytes are not a safetensors file that Apus can read.
public struct SafetensorsError: Remediable, Hashable {
    public let problem: String
    public let place: String
    public let remedy: String
}

/// The safetensors format of weight files: a header length (8 bytes, little-endian), a JSON header, the values.
///
/// Apus reads and writes float32 (F32), int32 (I32) and uint8 (U8). Files come from anywhere: every length, offset and type is checked
/// before use.
public enum Safetensors {
    /// The format's own limit.
    static let maximumHeader = 100_000_000
    private static let metadataName = "__metadata__"
    private static let names: [(type: ElementType, name: String)] = [(.float32, "F32"), (.int32, "I32"), (.uint8, "U8")]

    /// The columns in the given order, uint8 ones last: so, with values that start at a multiple of 8 bytes, every float32 and int32 column
    /// is aligned to 4. Columns need different names.
    public static func encode(_ columns: [Column], metadata: [String: String] = [:]) -> [UInt8] {
        let ordered = columns.filter { $0.type != .uint8 } + columns.filter { $0.type == .uint8 }
        precondition(Set(columns.map(\.name)).count == columns.count, "two columns have one name: \(columns.map(\.name))")
        precondition(!columns.contains { $0.name == metadataName }, "a column cannot be named \(metadataName)")
        var members = [JSON.Member]()
        if !metadata.isEmpty {
            let entries = metadata.sorted { $0.key < $1.key }
            members.append(JSON.Member(metadataName, .object(entries.map { JSON.Member($0.key, .string($0.value)) })))
        }
        var end = 0
        for column in ordered {
            let begin = end
            end += column.bytes.count
            members.append(
                JSON.Member(
                    column.name,
                    .object([
                        JSON.Member("dtype", .string(names.first { $0.type == column.type }!.name)),
                        JSON.Member("shape", .array(column.shape.map(JSON.integer))),
                        JSON.Member("data_offsets", .array([.integer(begin), .integer(end)])),
                    ])))
        }
        var header = JSON.object(members).serialized()
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
        var file = [UInt8]()
        file.reserveCapacity(8 + header.count + end)
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { file += $0 }
        file += header
        for column in ordered { column.bytes.withBytes { file += $0 } }
        return file
    }

    /// - Parameter place: the file's name, for errors.
    public static func decode(
        _ bytes: [UInt8], place: String
    ) throws(SafetensorsError) -> (columns: [Column], metadata: [String: String]) {
        try decode(bytes.withUnsafeBytes { SharedBytes(copying: $0) }, place: place)
    }

    /// The columns, in the order of their values, are parts of `bytes`; nothing is copied.
    public static func decode(
        _ bytes: SharedBytes, place: String
    ) throws(SafetensorsError) -> (columns: [Column], metadata: [String: String]) {
        func fail(_ problem: String, _ remedy: String = "The file is damaged: copy or write it again") -> SafetensorsError {
            SafetensorsError(problem: problem, place: place, remedy: remedy)
        }
        guard bytes.count >= 8 else { throw fail("the file has \(bytes.count) bytes, fewer than the 8 of the header's length") }
        let length = UInt64(littleEndian: bytes.withBytes { $0.loadUnaligned(as: UInt64.self) })
        guard length <= UInt64(maximumHeader) else {
            throw fail("the header's length is \(length), more than \(maximumHeader)", "Give a safetensors file")
        }
        let start = 8 + Int(length)
        guard start <= bytes.count else { throw fail("the header's length is \(length), but only \(bytes.count - 8) bytes follow") }
        let header: JSON
        do { header = try JSON.parse(bytes.withBytes { Array($0[8..<start]) }, place: "the header") } catch {
            throw fail("\(error.problem) at \(error.place)")
        }
        guard let members = header.object else { throw fail("the header is not an object", "Give a safetensors file") }

        var metadata = [String: String]()
        var entries = [Entry]()
        for member in members {
            if member.name == metadataName {
                guard let values = member.value.object else { throw fail("\(metadataName) is not an object") }
                for value in values {
                    guard let text = value.value.string else { throw fail("\(metadataName).\(value.name) is not a string") }
                    metadata[value.name] = text
                }
            } else {
                switch entry(member) {
                case .success(let entry): entries.append(entry)
                case .failure(let reason): throw fail("tensor \"\(member.name)\": \(reason.problem)", reason.remedy)
                }
            }
        }

        // Sorted by their offsets, the tensors must cover all bytes after the header, one after the other.
        entries.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
        var end = 0
        var columns = [Column]()
        for entry in entries {
            guard entry.begin == end else {
                throw fail("tensor \"\(entry.name)\" begins at byte \(entry.begin), not at \(end): tensors overlap or leave a gap")
            }
            guard entry.end <= bytes.count - start else {
                throw fail("tensor \"\(entry.name)\" ends at byte \(entry.end), but only \(bytes.count - start) bytes follow the header")
            }
            end = entry.end
            let part = SharedBytes(bytes, offset: start + entry.begin, count: entry.end - entry.begin)
            columns.append(Column(entry.name, entry.type, entry.shape, part))
        }
        guard end == bytes.count - start else { throw fail("\(bytes.count - start - end) bytes follow the last tensor") }
        return (columns, metadata)
    }

    private struct Entry {
        let name: String
        let type: ElementType
        let shape: [Int]
        let begin: Int
        let end: Int
    }

    private struct Reason: Error {
        let problem: String
        var remedy = "The file is damaged: copy or write it again"
    }

    private static func entry(_ member: JSON.Member) -> Result<Entry, Reason> {
        guard let code = member.value["dtype"]?.string else { return .failure(Reason(problem: "dtype is missing")) }
        guard let type = names.first(where: { $0.name == code })?.type else {
            return .failure(Reason(problem: "dtype is \"\(code.prefix(40))\"", remedy: "Convert it to F32, I32 or U8"))
        }
        guard let axes = member.value["shape"]?.array, let offsets = member.value["data_offsets"]?.array, offsets.count == 2,
            let begin = offsets[0].integer, let end = offsets[1].integer
        else { return .failure(Reason(problem: "shape or data_offsets is missing or not made of integers")) }
        var shape = [Int]()
        var size = type.byteCount
        for axis in axes {
            guard let length = axis.integer, length >= 0 else {
                return .failure(Reason(problem: "the shape has an axis that is no length"))
            }
            let product = size.multipliedReportingOverflow(by: length)
            guard !product.overflow else { return .failure(Reason(problem: "the shape is too large")) }
            size = product.partialValue
            shape.append(length)
        }
        guard begin >= 0, end >= begin, end - begin == size else {
            return .failure(Reason(problem: "the offsets \(begin) … \(end) do not hold \(size) bytes, the size of shape \(shape)"))
        }
        return .success(Entry(name: member.name, type: type, shape: shape, begin: begin, end: end))
    }
}
