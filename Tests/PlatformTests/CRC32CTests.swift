import Platform
import Testing

@Suite struct CRC32CTests {
    /// RFC 3720, appendix B.4.
    @Test func publishedVectors() {
        #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.of([UInt8](0 ..< 32)) == 0x46DD_794E)
        #expect(CRC32C.of([UInt8]("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.of([UInt8]()) == 0)
    }

    @Test func partsGiveTheSameAsTheWhole() {
        let bytes = (0 ..< 100).map { UInt8($0 * 7 & 0xFF) }
        for cut in 0 ... 100 {
            var sum = CRC32C()
            Array(bytes[..<cut]).withUnsafeBytes { sum.update($0) }
            Array(bytes[cut...]).withUnsafeBytes { sum.update($0) }
            #expect(sum.value == CRC32C.of(bytes))
        }
    }
}
