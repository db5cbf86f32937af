import Networks
import Rollouts
import Tensors

/// What a part of a method must know besides the tokens themselves; the learner computes what is asked for, and nothing else.
public struct TokenNeeds: OptionSet, Sendable, Hashable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// log π and entropies under the weights at the start of the update, computed by the learner.
    public static let start = TokenNeeds(rawValue: 1)
    /// V of the state before every token, under the same weights.
    public static let values = TokenNeeds(rawValue: 2)
    /// log π_ref.
    public static let reference = TokenNeeds(rawValue: 4)
    /// What the last layer sees and says (`TokenWork.last`): CAPO.
    public static let lastLayer = TokenNeeds(rawValue: 8)
    /// The entropies of the old distributions: the actors' own where they kept them, else those of the weights at the start.
    public static let entropy = TokenNeeds(rawValue: 16)
}

/// A batch on its way to the gradient steps: stages change it one after the other.
///
/// Arrays of [N] are per token in the order of the batch, of [R] per response.
public struct TokenWork: Sendable {
    public let batch: ResponseBatch
    public let moment: Moment
    /// For stages that draw: addressed by the version, so that an update can be made again.
    public let key: RandomKey

    /// [R] what advantages are made of: shaped rewards.
    public var reward: [Float]
    /// [N] rewards of single tokens beside it, for credit that goes token by token; empty: there are none.
    public var tokenReward: [Float] = []
    /// [N]
    public var advantage: [Float]
    /// [N] 0: the token is in no loss and counts in no mean.
    public var mask: [Float]
    /// [N] stop-gradient weights of the objective: corrections for the age of the data. Not applied to regularizers, and not to the denominators of means.
    public var weight: [Float]
    /// [R] multiply the coefficient of the reference divergence (S211).
    public var divergenceWeight: [Float]
    /// [N] the limits of the ratio that an objective clips to, where a stage sets them; empty: the objective's own.
    public var lowerBound: [Float] = []
    public var upperBound: [Float] = []

    /// [N] lo: log π_prox, constants. The behaviour's own where the method does not ask for another.
    public var proximal: [Float]
    /// [N] of each token's distribution; empty unless `TokenNeeds.start` (the weights at the start) or `TokenNeeds.entropy` is asked for.
    public var entropy: [Float] = []
    /// [N] by name: what a stage leaves for the terms of its method.
    public var signals: [String: [Float]] = [:]
    /// log π, under the weights at the start, of the responses that stages have asked for (`TokenStage.recalls`).
    public var recalled: [TokenGroup: [Float]] = [:]
    /// [N] empty unless asked for.
    public var values: [Float] = []
    public var reference: [Float] = []
    /// [N] what values are fitted to; set by the credit of methods with values, and which tokens' values are fitted.
    public var valueTarget: [Float] = []
    public var valueMask: [Float] = []
    public var last: LastLayer?

    /// Per-task statistics as they were before this batch. What a stage writes with `keep` is there from the next update on.
    public let records: TaskRecords
    public private(set) var kept: [(task: UInt32, name: String, values: [Float])] = []
    public var metrics: [Metric] = []

    public init(_ batch: ResponseBatch, moment: Moment, key: RandomKey = RandomKey(seed: 1, purpose: .learner), records: TaskRecords = TaskRecords()) {
        self.batch = batch
        self.moment = moment
        self.key = key
        self.records = records
        reward = batch.rewards
        advantage = [Float](repeating: 0, count: batch.count)
        mask = batch.mask
        weight = [Float](repeating: 1, count: batch.count)
        divergenceWeight = [Float](repeating: 1, count: batch.responses.count)
        proximal = batch.behaviour
    }

    /// The tokens of a response that count.
    public func length(_ response: Int) -> Float { batch.spans[response].reduce(0) { $0 + mask[$1] } }

    /// Σ m·x over a response.
    public func sum(_ values: [Float], _ response: Int) -> Float { batch.spans[response].reduce(0) { $0 + mask[$1] * values[$1] } }

    /// For what a part of a method draws: `part` is its own, `number` what it draws for.
    func stream(_ part: UInt32, _ number: Int = 0) -> RandomStream {
        key.stream(slot: part << 24 | UInt32(number & 0xFF_FFFF), episode: moment.version << 8 | UInt64(moment.batch & 0xFF))
    }

    /// One advantage for all tokens of a response.
    public mutating func setAdvantage(_ value: Float, of response: Int) {
        for token in batch.spans[response] { advantage[token] = value }
    }

    /// Remembers numbers of a task, under a name that is the stage's own. Exactly once per batch: it is saved with the weights.
    public mutating func keep(_ values: [Float], of task: UInt32, _ name: String) { kept.append((task, name, values)) }
}

/// One step between the data and the gradient: shaping, credit, selection, correction. Value types; one file each.
public protocol TokenStage: Sendable {
    var needs: TokenNeeds { get }
    /// Responses outside of the batch whose log-probabilities under the weights at the start it must know.
    func recalls(_ batch: ResponseBatch, _ records: TaskRecords) -> [TokenGroup]
    func apply(_ work: inout TokenWork)
}

extension TokenStage {
    public var needs: TokenNeeds { [] }
    public func recalls(_ batch: ResponseBatch, _ records: TaskRecords) -> [TokenGroup] { [] }
}
