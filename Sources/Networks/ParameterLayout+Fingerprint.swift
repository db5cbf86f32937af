extension ParameterLayout {
    /// FNV-1a over names and shapes: two networks whose weights may not be exchanged differ in it.
    public var fingerprint: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for spec in specs {
            for byte in "\(spec.name)\(spec.shape);".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return hash
    }
}
