/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), as in iSCSI, ext4 and TFRecord: detects torn and altered files and records.
public struct CRC32C: Sendable {
    private var state: UInt32 = ~0
    public init() {}

    /// The checksum of all bytes so far.
    public var value: UInt32 { ~state }

    public static func of(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { of($0) } }

    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var sum = CRC32C()
        sum.update(bytes)
        return sum.value
    }

    /// The checksum as manifests write it: eight hexadecimal digits.
    public static func hexadecimal(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { hexadecimal([$0]) } }

    /// The same of several parts, one after the other.
    public static func hexadecimal(_ parts: [UnsafeRawBufferPointer]) -> String {
        var sum = CRC32C()
        parts.forEach { sum.update($0) }
        let digits = String(sum.value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Eight bytes a round by eight tables: a checkpoint of hundreds of megabytes is summed in well under a second.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var sum = state
        var position = 0
        Self.tables.withUnsafeBufferPointer { table in
            while position + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ UInt64(sum)
                sum = 0
                for lane in 0 ..< 8 {
                    let byte = Int(truncatingIfNeeded: word >> UInt64(8 * lane)) & 0xFF
                    sum ^= table[(7 - lane) * 256 + byte]
                }
                position += 8
            }
            while position < bytes.count {
                sum = table[Int(UInt8(truncatingIfNeeded: sum) ^ bytes[position])] ^ (sum >> 8)
                position += 1
            }
        }
        state = sum
    }

    /// `tables[k * 256 + b]`: the effect of byte b followed by k zero bytes.
    private static let tables: [UInt32] = {
        var tables: [UInt32] = []
        for byte in 0 ..< UInt32(256) {
            var sum = byte
            for _ in 0 ..< 8 { sum = sum & 1 == 1 ? (sum >> 1) ^ 0x82F6_3B78 : sum >> 1 }
            tables.append(sum)
        }
        for k in 1 ..< 8 {
            for byte in 0 ..< 256 {
                let before = tables[(k - 1) * 256 + byte]
                tables.append(tables[Int(before & 0xFF)] ^ (before >> 8))
            }
        }
        return tables
    }()
}
