import Platform

/// An actor's view of the published policy versions: takes the newest, refuses what does not fit, notices when one got lost. A pure state
/// machine.
public struct WeightsSubscription: Sendable {
    private let run: UInt64
    private let parameters: Int
    private let layout: UInt64
    private var life: UInt32 = 0
    private var behindSince: Time?

    /// The newest version accepted; nil before the first.
    public private(set) var held: UInt64?

    /// How long a version that is needed may fail to arrive before the subscription is renewed, in seconds. The publisher drops for a subscriber
    /// whose
    /// buffer is full, and sends its last value to each new subscription.
    static let patience = 0.25

    public init(run: UInt64, parameters: Int, layout: UInt64) {
        self.run = run
        self.parameters = parameters
        self.layout = layout
    }

    /// Whether these weights are to be used from now on; older ones than those held are not.
    public mutating func accept(_ weights: WeightsHeader) throws(Refusal) -> Bool {
        guard weights.protocol == WireProtocol.version else { throw .protocolMismatch(peer: weights.protocol) }
        guard weights.run == run else {
            throw Refusal(.wrongRun, problem: "weights of another run arrived", remedy: "Start this actor with the address of its own coordinator.")
        }
        guard weights.layout == layout, weights.parameters == parameters else {
            throw Refusal(
                .malformed, problem: "the weights have \(weights.parameters) parameters in another layout than this actor's network with \(parameters)",
                remedy: "Start actor and learner from the same version of Apus and the same run file.")
        }
        guard weights.life > life || (weights.life == life && weights.version > held ?? 0) || held == nil else { return false }
        life = weights.life
        held = weights.version
        behindSince = nil
        return true
    }

    /// At least `version` is needed and was published: true when it is time to renew the subscription. Nil: nothing is needed.
    public mutating func needs(_ version: UInt64?, now: Time) -> Bool {
        guard let version else {
            behindSince = nil
            return false
        }
        if let held, held >= version {
            behindSince = nil
            return false
        }
        guard let since = behindSince else {
            behindSince = now
            return false
        }
        guard now - since > Self.patience else { return false }
        behindSince = now
        return true
    }
}
