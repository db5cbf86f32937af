/// Options that many methods share.
extension MethodOption {
    static let discount = MethodOption("discount", 0.99, 0...1, "γ, the weight of a reward one step later")
    static let lambda = MethodOption("lambda", 0.95, 0...1, "λ of GAE: 0 one-step errors, 1 the whole unroll")
    static let entropy = MethodOption("entropy", 0.01, 0...10, "coefficient of the entropy bonus")
    static let value = MethodOption("value", 0.5, 0...100, "coefficient of the value error")
    static let epochs = MethodOption("epochs", 4, 1...1000, isWhole: true, "how often each batch is gone over")
    static let minibatches = MethodOption("minibatches", 4, 1...65536, isWhole: true, "gradient steps of one epoch")

    static let follow = MethodOption("tau", 0.005, 0...1, "τ: the share of the way that target networks go towards the trained ones with each update")
    static let criticRate = MethodOption(
        "critic_rate", 1, 0...1000, "learning rate of the critics (and of a temperature), as a multiple of optimizer.learning_rate")

    static func normalizesAdvantages(_ on: Bool) -> MethodOption {
        MethodOption(
            "normalize_advantages", on ? 1 : 0, 0...1, isFlag: true, "1 to centre and scale the advantages over the batch, 0 to leave them")
    }
}
