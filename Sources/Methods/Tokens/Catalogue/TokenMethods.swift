extension MethodCatalogue {
    /// The methods for token policies. Where a method is also one for policies of steps, its name here ends in "-tokens".
    public static let tokens: [MethodEntry] = [
        .asymre,
        .bapoTokens,
        .clipCov,
        .d3s,
        .gppoTokens,
        .grpo,
        .klCov,
        .opmd,
        .prefixGrouper,
        .rec,
    ]
}
