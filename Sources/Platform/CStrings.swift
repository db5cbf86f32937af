extension String {
    /// What C has written into an array: up to the first 0.
    public init(writtenBy characters: [CChar]) {
        self.init(decoding: characters.prefix { $0 != 0 }.lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
