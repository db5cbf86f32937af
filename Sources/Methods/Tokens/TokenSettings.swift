import Rollouts

/// What most methods for token policies have in common.
public struct TokenSettings: Sendable, Hashable {
    public var plan = GroupPlan()
    public var epochs = 1
    public var minibatches = 1
    /// Of the entropy of the policy, which is kept up; 0: it is not in the loss.
    public var entropy: Float = 0

    public init() {}
    public init(_ option: MethodOptions) {
        plan.responses = option.count("responses")
        plan.leavesOutEqual = option.flag("leave_out_equal")
        epochs = option.count("epochs")
        minibatches = option.count("minibatches")
        entropy = option("entropy")
    }

    /// - Parameter leavesOutEqual: whether groups with equal rewards are left out unless the run says otherwise.
    public static func options(responses: Int = 8, epochs: Int = 1, leavesOutEqual: Bool = false) -> [MethodOption] {
        [
            MethodOption("responses", Double(responses), 1...1024, isWhole: true, "responses to each task"),
            MethodOption(
                "leave_out_equal", leavesOutEqual ? 1 : 0, 0...1, isFlag: true, "draw other groups in place of those whose rewards are all equal"),
            MethodOption("epochs", Double(epochs), 1...1000, isWhole: true, "passes over each batch"),
            MethodOption("minibatches", 1, 1...10000, isWhole: true, "gradient steps per pass"),
            MethodOption("entropy", 0, 0...10, "the coefficient of the entropy that is kept up"),
        ]
    }
    public static func clipOptions(low: Double = 0.2, high: Double = 0.2, dual: Double = .infinity) -> [MethodOption] {
        [
            MethodOption("clip_low", low, 0...1, "ε below: the ratio is clipped at 1 − ε"),
            MethodOption("clip_high", high, 0...(.infinity), "ε above: the ratio is clipped at 1 + ε"),
            MethodOption("dual_clip", dual, 1...(.infinity), "c: the loss of a negative advantage is at most c · |A|"),
        ]
    }
}

extension TokenClip {
    public init(_ option: MethodOptions) {
        self.init(low: option("clip_low"), high: option("clip_high"), dual: option("dual_clip"))
    }
}

extension TokenMethod {
    /// A method with the settings that most have; the entropy's term is added where its coefficient is above 0.
    public init(
        _ name: String, _ settings: TokenSettings, staleness: Staleness = .onPolicy(maxLag: 8), stages: [any TokenStage],
        terms: [any TokenTerm], aggregate: TokenAggregation, proximal: Proximal = .behaviour
    ) {
        self.init(
            name, staleness: staleness, plan: settings.plan, stages: stages,
            terms: terms + (settings.entropy > 0 ? [TokenEntropy(settings.entropy)] : []), aggregate: aggregate, proximal: proximal,
            epochs: settings.epochs, minibatches: settings.minibatches)
    }
}

extension MethodEntry {
    /// A method for token policies.
    public init(
        token id: String, summary: String, paper: String, paperID: String, options: [MethodOption], proof: Proof? = nil,
        recipe: @escaping @Sendable (MethodOptions) -> TokenMethod
    ) {
        self.init(
            id: id, kind: "token policy", summary: summary, paper: paper, paperID: paperID, options: options, proof: proof, recipe: recipe)
    }
}
