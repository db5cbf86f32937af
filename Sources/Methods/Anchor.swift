/// Which policy the ratio of a proximal objective is taken to: π_prox.
public enum Anchor: Sendable, Hashable {
    /// The one that acted: π_prox = μ.
    case behaviour
    /// The target policy at the start of the update, evaluated once before its first gradient step.
    case start
    /// A copy of the target policy that is renewed after every so many updates.
    case target(every: Int)
}

/// How an update goes over its batch.
public struct UpdatePlan: Sendable, Hashable {
    /// How often each step is trained on.
    public var epochs: Int
    /// Into how many parts each epoch is divided; one gradient step each.
    public var minibatches: Int
    /// The update ends early when the mean of (r − 1) − log r (an estimate of KL(π_prox ‖ π)) passes 1.5 times this; nil: never.
    public var targetKL: Float?
    /// Whether advantages and value targets are computed anew for every minibatch, with the policy as it is then. Minibatches are then whole
    /// slots.
    public var renewsCredit: Bool

    public init(epochs: Int = 1, minibatches: Int = 1, targetKL: Float? = nil, renewsCredit: Bool = false) {
        precondition(epochs > 0 && minibatches > 0, "\(epochs) epochs of \(minibatches) minibatches")
        self.epochs = epochs
        self.minibatches = minibatches
        self.targetKL = targetKL
        self.renewsCredit = renewsCredit
    }

    /// One gradient step.
    public static let single = UpdatePlan()

    var isSingle: Bool { epochs == 1 && minibatches == 1 }
}
