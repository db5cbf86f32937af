/// A ← (A − mean) / (std + 1e-8) over the tokens of the batch that count, with n − 1 (B01 REINFORCE++, B02). Value targets are not touched.
///
/// A single token has nothing to be compared with and stays as it is.
public struct Whitening: TokenStage {
    public init() {}

    public func apply(_ work: inout TokenWork) {
        let counting = work.advantage.indices.filter { work.mask[$0] > 0 }
        guard counting.count > 1 else { return }
        let statistics = GroupStatistics(counting.map { work.advantage[$0] })
        for token in counting { work.advantage[token] = (work.advantage[token] - statistics.mean) / (statistics.sampleDeviation + 1e-8) }
    }
}
