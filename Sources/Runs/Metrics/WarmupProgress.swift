import Platform

/// How far the supervised training is that a run of a token policy begins with: what records and heartbeats say of it, and how people read it.
public struct WarmupProgress: Sendable, Equatable {
    /// Gradient steps made, and the most that there will be.
    public var updates: Int
    public var limit: Int
    /// −log π of a token of a demonstration, in nats: a mean over the steps since the progress before; nil before the first step.
    public var loss: Double?
    /// The share of drawn responses that are correct, and at which it ends.
    public var accuracy: Double
    public var target: Double

    public init(updates: Int, limit: Int, loss: Double?, accuracy: Double, target: Double) {
        self.updates = updates
        self.limit = limit
        self.loss = loss
        self.accuracy = accuracy
        self.target = target
    }

    private static let prefix = "warmup/"

    /// By name, as in `metrics.jsonl`.
    public var metrics: [(name: String, value: Double)] {
        let numbers = [("updates", Double(updates)), ("limit", Double(limit))] + (loss.map { [("loss", $0)] } ?? [])
        return (numbers + [("accuracy", accuracy), ("target", target)]).map { (Self.prefix + $0.0, $0.1) }
    }

    /// Reads what `metrics` wrote; nil where nothing, or nonsense, is told of a warm-up.
    public init?(_ value: (String) -> Double?) {
        guard let updates = value(Self.prefix + "updates").flatMap(Int.init(exactly:)), let limit = value(Self.prefix + "limit").flatMap(Int.init(exactly:)),
            let accuracy = value(Self.prefix + "accuracy"), let target = value(Self.prefix + "target")
        else { return nil }
        self.init(updates: updates, limit: limit, loss: value(Self.prefix + "loss"), accuracy: accuracy, target: target)
    }

    /// "warm-up: 120 of at most 2000 updates, loss 0.41, correct 12 % of 30 %"
    public var text: String {
        "warm-up: \(updates) of at most \(limit) updates, " + (loss.map { "loss \(Format.decimal($0, 2)), " } ?? "")
            + "correct \(Format.share(accuracy)) of \(Format.share(target))"
    }
}
