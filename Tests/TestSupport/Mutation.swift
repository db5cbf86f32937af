/// One to four random changes: a byte set, removed, inserted or copied, a part cut off.
public func mutate(_ bytes: inout [UInt8], _ random: inout some RandomNumberGenerator) {
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 4: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: place)
        case 5: bytes[place] = Array("0123456789-{}[]\",:e".utf8).randomElement(using: &random)!
        case 6: bytes[place] = UInt8.random(in: UInt8(ascii: "0")...UInt8(ascii: "9"), using: &random)
        default: if Int.random(in: 0..<4, using: &random) == 0 { bytes.removeSubrange(place...) }
        }
    }
}
