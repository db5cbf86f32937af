import Glibc

/// How actors leave the action that the network thinks best.
public enum Exploration: Sendable, Hashable {
    /// Actions are drawn from the policy as it is.
    case policy
    /// A random action with a probability ε of each slot's own; for networks that give the values of actions.
    case epsilonGreedy(EpsilonLadder)

    /// The same in a run of so many slots.
    public func over(slots: Int) -> Exploration {
        guard case .epsilonGreedy(var ladder) = self else { return self }
        ladder.slots = slots
        return .epsilonGreedy(ladder)
    }

    /// ε of `count` slots beginning with the run's slot `first`; empty where actions are drawn from the policy.
    public func epsilons(first: Int, count: Int, version: UInt64) -> [Float] {
        guard case .epsilonGreedy(let ladder) = self else { return [] }
        return (first..<first + count).map { ladder.epsilon(slot: $0, version: version) }
    }
}

/// The ε of every slot of a run: εᵢ = base^(1 + exponent · i / (N − 1)) (Horgan et al., 2018, Ape-X), with i counting the slots of all
/// actors, so that some explore much and most little. The exponent 0 gives all slots one ε; so does a run of a single slot.
public struct EpsilonLadder: Sendable, Hashable {
    /// ε of the first slot, 0 … 1.
    public var base: Float
    /// α, at least 0: the last slot's ε is base^(1 + α).
    public var exponent: Float
    /// ε falls in a straight line from 1 in version 0 to its own in this version; 0: it has its own from the beginning. It depends on the
    /// version and not on an actor's age, so that actors that start late, or again, explore as the others do.
    public var decayVersions: UInt64
    /// N: the slots of all actors of the run.
    public var slots: Int

    public init(base: Float = 0.4, exponent: Float = 7, decayVersions: UInt64 = 0, slots: Int = 1) {
        self.base = base
        self.exponent = exponent
        self.decayVersions = decayVersions
        self.slots = slots
    }

    /// - Parameter slot: from 0; slots beyond the last, of actors more than were planned, explore as the last one does.
    public func epsilon(slot: Int, version: UInt64) -> Float {
        let place = slots > 1 ? min(Double(slot) / Double(slots - 1), 1) : 0
        let own = pow(Double(base), 1 + Double(exponent) * place)
        guard version < decayVersions else { return Float(own) }
        return Float(1 + (own - 1) * Double(version) / Double(decayVersions))
    }
}
