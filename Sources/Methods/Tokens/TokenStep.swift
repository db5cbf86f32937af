import Rollouts

/// The tokens of one gradient step, or of a part of it: what terms of a loss are computed from. Arrays are per token of the step, [n].
public struct TokenStep: Sendable {
    /// One response of the step.
    public struct Sequence: Sendable, Hashable {
        /// Its tokens among those of the step.
        public let span: Range<Int>
        /// Its number in the batch.
        public let response: Int
        public let group: Int
        /// |o|: its tokens that count.
        public let length: Float
    }

    public let work: TokenWork
    /// Which gradient step of the update it is, from 0: terms that draw, draw anew in each.
    public var number = 0
    public let sequences: [Sequence]
    /// The number in the batch of each token.
    public let tokens: [Int]
    /// lp: log π under the current weights.
    public let logProb: [Float]
    /// H under the current weights.
    public let entropy: [Float]
    /// V under the current weights; empty without a value head.
    public let value: [Float]
    public let proximal: [Float]
    public let behaviour: [Float]
    /// Empty unless asked for.
    public let reference: [Float]
    public var advantage: [Float]
    public let mask: [Float]
    public let weight: [Float]

    /// - Parameter tokens: whole responses, in ascending order.
    public init(_ work: TokenWork, tokens: [Int], logProb: [Float], entropy: [Float], value: [Float] = []) {
        self.work = work
        self.tokens = tokens
        self.logProb = logProb
        self.entropy = entropy
        self.value = value
        proximal = tokens.map { work.proximal[$0] }
        behaviour = tokens.map { work.batch.behaviour[$0] }
        reference = work.reference.isEmpty ? [] : tokens.map { work.reference[$0] }
        advantage = tokens.map { work.advantage[$0] }
        mask = tokens.map { work.mask[$0] }
        weight = tokens.map { work.weight[$0] }
        var sequences: [Sequence] = []
        var start = 0
        while start < tokens.count {
            let response = work.batch.response[tokens[start]]
            let count = work.batch.spans[response].count
            sequences.append(
                Sequence(span: start..<start + count, response: response, group: work.batch.group[response], length: work.length(response)))
            start += count
        }
        self.sequences = sequences
    }

    /// All tokens of a batch under these log-probabilities, with the values of the start: what exact checks are written with.
    public init(_ work: TokenWork, logProb: [Float], entropy: [Float]? = nil) {
        self.init(
            work, tokens: Array(0..<work.batch.count), logProb: logProb, entropy: entropy ?? [Float](repeating: 0, count: work.batch.count),
            value: work.values)
    }

    public var count: Int { tokens.count }

    /// What a stage has left for every token of the step; nil: nothing.
    public func signal(_ name: String) -> [Float]? { work.signals[name].map { signal in tokens.map { signal[$0] } } }

    /// lp − lo, within ±20.
    public func logRatio(_ token: Int) -> Float { min(max(logProb[token] - proximal[token], -20), 20) }
    /// r = exp(lp − lo)
    public func ratio(_ token: Int) -> Float { exponential(logRatio(token)) }

    /// Σ m·x over a sequence.
    public func sum(_ values: [Float], _ sequence: Sequence) -> Float { sequence.span.reduce(0) { $0 + mask[$1] * values[$1] } }
    /// The sequences of each group of the step.
    public var groups: [[Sequence]] {
        var groups: [[Sequence]] = []
        for sequence in sequences {
            if groups.last?.last?.group == sequence.group { groups[groups.count - 1].append(sequence) } else { groups.append([sequence]) }
        }
        return groups
    }
}

/// One term of a loss at every token of a step: its value, and how it changes with what the network says. Advantages and weights are
/// constants: there is no other gradient than this, and nothing to differentiate automatically.
public struct TokenSlope: Sendable {
    /// [n] l
    public var loss: [Float]
    /// [n] ∂l/∂lp
    public var logProb: [Float]
    /// [n] ∂l/∂H; empty: 0.
    public var entropy: [Float] = []
    /// [n] ∂l/∂V; empty: 0.
    public var value: [Float] = []

    public init(_ count: Int) {
        loss = [Float](repeating: 0, count: count)
        logProb = loss
    }
    public init(loss: [Float], logProb: [Float]) {
        self.loss = loss
        self.logProb = logProb
    }
}

/// A term of a loss: an objective or a regularizer.
public protocol TokenTerm: Sendable {
    /// What the metric of its value is called.
    var name: String { get }
    var needs: TokenNeeds { get }
    /// Whether it must see all tokens of a gradient step at once, after a pass of their own. Otherwise it is given parts of whole responses.
    var seesWholeStep: Bool { get }
    /// How the values of tokens become one number; nil: as the method says.
    var aggregate: TokenAggregation? { get }
    /// Whether `TokenStep.weight` multiplies it.
    var isWeighted: Bool { get }
    /// Why `slope` is deliberately not the derivative of the loss that it tells, such as a constant weight that depends on lp; nil: it is.
    var deliberateSlope: String? { get }
    /// What multiplies the value of each token, [n].
    func scales(_ step: TokenStep, _ aggregate: TokenAggregation) -> [Float]
    func slope(_ step: TokenStep) -> TokenSlope
    /// Further numbers of the step.
    func metrics(_ step: TokenStep) -> [Metric]
}

extension TokenTerm {
    public var needs: TokenNeeds { [] }
    public var seesWholeStep: Bool { false }
    public var aggregate: TokenAggregation? { nil }
    public var isWeighted: Bool { true }
    public var deliberateSlope: String? { nil }
    public func scales(_ step: TokenStep, _ aggregate: TokenAggregation) -> [Float] { (self.aggregate ?? aggregate).scales(step) }
    public func metrics(_ step: TokenStep) -> [Metric] { [] }
}
