import Rollouts
import Tensors

/// Advantages A = R − b − shift with a baseline b of the group, and no scale unless asked for (S080).
///
/// Balanced dropping (RED-Drop): where a group has more responses below its mean than others, as many of them as are too many, drawn at
/// random, get A = 0, and mean and deviation are those of the rest. They stay in the denominators of means.
public struct GroupCentered: TokenStage {
    public enum Baseline: Sendable, Hashable {
        case mean
        /// τ log mean exp(R / τ): the soft maximum that a divergence from the behaviour policy with coefficient τ asks for (OPMD).
        case softMaximum(temperature: Float)
    }
    public var baseline: Baseline
    public var shift: Float
    /// Divided by the group's sample deviation + 1e-6.
    public var scales: Bool
    public var drops: Bool

    public init(_ baseline: Baseline = .mean, shift: Float = 0, scales: Bool = false, drops: Bool = false) {
        self.baseline = baseline
        self.shift = shift
        self.scales = scales
        self.drops = drops
    }

    public func apply(_ work: inout TokenWork) {
        for group in work.batch.groups.indices {
            let judged = work.batch.judged(group)
            let kept = drops ? balanced(judged, group, work) : judged
            let rewards = kept.map { work.reward[$0] }
            let statistics = GroupStatistics(rewards)
            let base: Float =
                switch baseline {
                case .mean: statistics.mean
                case .softMaximum(let temperature): softMaximum(rewards, temperature)
                }
            for response in judged { work.setAdvantage(0, of: response) }
            for response in kept {
                let advantage = work.reward[response] - base - shift
                work.setAdvantage(scales ? advantage / (statistics.sampleDeviation + 1e-6) : advantage, of: response)
            }
        }
    }

    /// The responses that count: never more of those below the mean than of the others.
    private func balanced(_ judged: [Int], _ group: Int, _ work: TokenWork) -> [Int] {
        let mean = GroupStatistics(judged.map { work.reward[$0] }).mean
        let negative = judged.filter { work.reward[$0] < mean }
        let surplus = 2 * negative.count - judged.count
        guard surplus > 0 else { return judged }
        var stream = work.stream(1, group)
        let dropped = Set(negative.shuffled(using: &stream).prefix(surplus))
        return judged.filter { !dropped.contains($0) }
    }

    private func softMaximum(_ rewards: [Float], _ temperature: Float) -> Float {
        guard let greatest = rewards.max() else { return 0 }
        let mean = rewards.reduce(0) { $0 + exponential(($1 - greatest) / temperature) } / Float(rewards.count)
        return greatest + temperature * naturalLogarithm(mean)
    }
}
