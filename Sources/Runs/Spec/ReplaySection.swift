import Methods

/// How sequences are kept and drawn again. What is null is as the method wants it; a method that trains on live rollouts alone keeps nothing
/// unless `ratio` says so.
public struct ReplaySection: Codable, Sendable, Equatable {
    public var ratio: Double?
    public var selector: ReplayPlan.Selector?
    public var capacityBytes: Int?
    public var capacitySteps: Int?
    public var sequences: Int?
    public var steps: Int?
    public var burnIn: Int?
    public var overlap: Int?
    public var minimumSteps: Int?
    public var maximumTimesSampled: Int?
    public var priorityExponent: Double?
    public var importanceExponent: Double?
    public var besideLive: Bool?
    public var storage = Storage.memory
    public var dataset = ""
    public var datasetShare = 0.0
    public var saved = true
    public init() {}

    /// Where the sequences lie.
    public enum Storage: String, Choice { case memory, disk }

    enum CodingKeys: String, CodingKey {
        case ratio, selector, sequences, steps, overlap, storage, dataset, saved
        case capacityBytes = "capacity_bytes"
        case capacitySteps = "capacity_steps"
        case burnIn = "burn_in"
        case minimumSteps = "minimum_steps"
        case maximumTimesSampled = "maximum_times_sampled"
        case priorityExponent = "priority_exponent"
        case importanceExponent = "importance_exponent"
        case besideLive = "beside_live"
        case datasetShare = "dataset_share"
    }

    /// Writes what is null, too: the known keys are read off an encoded default.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(ratio, forKey: .ratio)
        try container.encode(selector, forKey: .selector)
        try container.encode(capacityBytes, forKey: .capacityBytes)
        try container.encode(capacitySteps, forKey: .capacitySteps)
        try container.encode(sequences, forKey: .sequences)
        try container.encode(steps, forKey: .steps)
        try container.encode(burnIn, forKey: .burnIn)
        try container.encode(overlap, forKey: .overlap)
        try container.encode(minimumSteps, forKey: .minimumSteps)
        try container.encode(maximumTimesSampled, forKey: .maximumTimesSampled)
        try container.encode(priorityExponent, forKey: .priorityExponent)
        try container.encode(importanceExponent, forKey: .importanceExponent)
        try container.encode(besideLive, forKey: .besideLive)
        try container.encode(storage, forKey: .storage)
        try container.encode(dataset, forKey: .dataset)
        try container.encode(datasetShare, forKey: .datasetShare)
        try container.encode(saved, forKey: .saved)
    }

    /// What a method's gradient steps are trained on, with this section's changes.
    public func applied(to data: DataPlan) -> DataPlan {
        var data = data
        if ratio == 0, data.trainsOnLive { return .live }
        guard var plan = data.replay ?? (ratio == nil || ratio == 0 ? nil : ReplayPlan()) else { return data }
        func change<Value>(_ value: Value?, _ path: WritableKeyPath<ReplayPlan, Value>) {
            if let value { plan[keyPath: path] = value }
        }
        change(ratio, \.ratio)
        change(selector, \.selector)
        change(capacityBytes, \.capacityBytes)
        change(capacitySteps, \.capacitySteps)
        change(sequences, \.sequences)
        change(steps, \.steps)
        change(burnIn, \.burnIn)
        change(overlap, \.overlap)
        change(minimumSteps, \.minimumSteps)
        change(maximumTimesSampled, \.maximumTimesSampled)
        change(priorityExponent, \.priorityExponent)
        change(importanceExponent, \.importanceExponent)
        change(besideLive, \.besideLive)
        data.replay = plan
        return data
    }
}

extension ReplayPlan.Selector: Choice {}
