/// Advantages relative to the group (Shao et al., 2024; B04): A = (R − mean) / (std + 1e-6), one for all tokens of a response; the standard
/// deviation is the sample's (n − 1).
///
/// A group of one has nothing to be compared with: its advantage is 0. Equal rewards give 0.
public struct GroupRelative: TokenStage {
    public enum Scale: Sendable, Hashable {
        /// Dr. GRPO: the difference as it is.
        case none
        case group
        /// Of all responses of the batch (Lite PPO).
        case batch
    }
    public var scale: Scale

    public init(_ scale: Scale = .group) { self.scale = scale }

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        let all = GroupStatistics(batch.groups.indices.flatMap { batch.judged($0) }.map { work.reward[$0] })
        for group in batch.groups.indices {
            let judged = batch.judged(group)
            let statistics = GroupStatistics(judged.map { work.reward[$0] })
            let divisor: Float =
                switch scale {
                case .none: 1
                case .group: statistics.sampleDeviation + 1e-6
                case .batch: all.sampleDeviation + 1e-6
                }
            for response in judged {
                work.setAdvantage(judged.count < 2 ? 0 : (work.reward[response] - statistics.mean) / divisor, of: response)
            }
        }
    }
}
