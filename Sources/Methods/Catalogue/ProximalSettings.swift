/// What the methods that go over a batch in epochs of minibatches share, besides their objectives.
public struct ProximalSettings: Sendable {
    public var discount: Float = 0.99
    public var lambda: Float = 0.95
    public var epochs = 4
    public var minibatches = 4
    public var entropy: Float = 0.01
    public var value: Float = 0.5
    public var normalizesAdvantages = true
    /// π_prox: `.behaviour` takes ratios to the policy that acted, so that limits count the age of the data.
    public var anchor = Anchor.start

    public init() {}

    public init(epochs: Int, minibatches: Int) {
        self.epochs = epochs
        self.minibatches = minibatches
    }

    init(_ option: MethodOptions) {
        discount = option("discount")
        lambda = option("lambda")
        epochs = option.count("epochs")
        minibatches = option.count("minibatches")
        entropy = option("entropy")
        value = option("value")
        normalizesAdvantages = option.flag("normalize_advantages")
    }

    /// With `anchorOption` among the options.
    init(anchored option: MethodOptions) {
        self.init(option)
        anchor = option.flag("behaviour_anchor") ? .behaviour : .start
    }

    static let anchorOption = MethodOption(
        "behaviour_anchor", 0, 0...1, isFlag: true, "1: π_prox is the policy that acted, 0: the one at the start of the update")

    /// What a run may set of them.
    static func options(epochs: Int = 4, minibatches: Int = 4) -> [MethodOption] {
        [
            .discount, .lambda,
            MethodOption("epochs", Double(epochs), 1...1000, isWhole: true, "how often each batch is gone over"),
            MethodOption("minibatches", Double(minibatches), 1...65536, isWhole: true, "gradient steps of one epoch"),
            .entropy, .value, .normalizesAdvantages(true),
        ]
    }

    var plan: UpdatePlan { UpdatePlan(epochs: epochs, minibatches: minibatches) }
}

extension Method {
    /// PPO (B02) with another objective or other parts: epochs of minibatches, an entropy bonus, a value error; GAE unless told otherwise.
    init(
        _ name: String, _ settings: ProximalSettings, maxLag: Int = 4, credit: (any Credit)? = nil, correction: (any Correction)? = nil,
        anchor: Anchor? = nil, objective: any Objective, valueClip: Float = .infinity
    ) {
        self.init(
            name, staleness: .onPolicy(maxLag: maxLag), discount: settings.discount, credit: credit ?? GAE(lambda: settings.lambda),
            normalizesAdvantages: settings.normalizesAdvantages, correction: correction, anchor: anchor ?? settings.anchor, objective: objective,
            regularizers: [Entropy(settings.entropy), ValueError(settings.value, clip: valueClip)], aggregate: .stepMean,
            plan: settings.plan)
    }
}

extension MethodOption {
    static let dualClip = MethodOption(
        "dual_clip", 10, 0...(.infinity), "largest ratio that a step with negative advantage is held against; 0: no limit")
}
