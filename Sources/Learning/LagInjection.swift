import Tensors

/// How old the policy of each rollout is in a run in turns: an exact lag without a cluster.
public enum LagInjection: Sendable, Hashable {
    case none
    /// Every rollout is acted by the policy of so many updates before; at the beginning, by the oldest there is.
    case fixed(Int)
    /// Each rollout's lag is drawn from 0 ... the bound, all equally likely.
    case uniform(through: Int)

    /// The largest lag, in updates.
    public var maximum: Int {
        switch self {
        case .none: 0
        case .fixed(let lag): lag
        case .uniform(let bound): bound
        }
    }

    /// The lag of one rollout: a pure function of its arguments.
    func age(seed: UInt64, version: UInt64, rollout: Int) -> Int {
        switch self {
        case .none: return 0
        case .fixed(let lag): return lag
        case .uniform(let bound):
            var random = RandomKey(seed: seed, purpose: .learner, actor: .max, incarnation: UInt32(truncatingIfNeeded: rollout))
                .stream(slot: 0, episode: version)
            return Int.random(in: 0...bound, using: &random)
        }
    }
}
