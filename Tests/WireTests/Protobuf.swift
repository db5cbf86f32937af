/// Protobuf by hand, to build what no encoder of ours would send and to pin the numbers of the fields.
enum Protobuf {
    static func varint(_ value: UInt64) -> [UInt8] {
        var (value, bytes) = (value, [UInt8]())
        while value >= 0x80 {
            bytes.append(UInt8(value & 0x7F) | 0x80)
            value >>= 7
        }
        return bytes + [UInt8(value)]
    }
    static func number(_ field: Int, _ value: UInt64) -> [UInt8] { varint(UInt64(field << 3)) + varint(value) }
    static func fixed64(_ field: Int, _ value: UInt64) -> [UInt8] {
        varint(UInt64(field << 3 | 1)) + withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    static func double(_ field: Int, _ value: Double) -> [UInt8] { fixed64(field, value.bitPattern) }
    static func float(_ field: Int, _ value: Float) -> [UInt8] {
        varint(UInt64(field << 3 | 5)) + withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
    static func bytes(_ field: Int, _ content: [UInt8]) -> [UInt8] {
        varint(UInt64(field << 3 | 2)) + varint(UInt64(content.count)) + content
    }
    static func text(_ field: Int, _ text: String) -> [UInt8] { bytes(field, Array(text.utf8)) }
    static func packed(_ field: Int, _ values: [UInt64]) -> [UInt8] { bytes(field, values.flatMap(varint)) }
}
