import Networks
import Platform
import Rollouts
import Tensors

/// The learner of a `TokenMethod`: stages over a batch of groups, then epochs of gradient steps of a transformer.
public final class TokenLearner {
    public let transformer: Transformer
    private let method: TokenMethod
    private let settings: OptimizerSettings
    private let temperature: Float
    private let topP: Float
    private let seed: UInt64
    private var descent: Descent
    /// π_ref: the weights before the first update; kept where the method asks for it.
    private var reference: Weights?
    public private(set) var records = TaskRecords()

    public var weights: Weights { descent.weights }

    /// - Parameters:
    ///   - weights: where to begin; the reference policy too.
    ///   - temperature: that of the distribution that responses are drawn from.
    ///   - topP: the share of the most probable tokens that they are drawn from. All log-probabilities and entropies, the reference's too, are
    ///     those of the tokens that the policy in question would keep, and of the token itself. Ratios are 1 where that policy has drawn it.
    public init(
        _ method: TokenMethod, _ transformer: Transformer, from weights: Weights, optimizer: OptimizerSettings, temperature: Float = 1,
        topP: Float = 1, seed: UInt64 = 1
    ) throws(MethodError) {
        guard !method.hasValue || transformer.settings.hasValueHead else {
            throw MethodError(
                problem: "\(method.name) learns values, and the transformer has no value head", place: "transformer.value_head",
                remedy: "Build the transformer with a value head.")
        }
        self.method = method
        self.transformer = transformer
        self.temperature = temperature
        self.topP = topP
        self.seed = seed
        settings = optimizer
        descent = Descent(weights, optimizer)
        if method.needs.contains(.reference) { reference = weights.copy() }
    }

    /// Trains on groups.
    ///
    /// - Throws: `NonFiniteGradient`; then nothing has changed.
    public func update(_ groups: [ResponseGroup], at moment: Moment) throws(NonFiniteGradient) -> LearnerReport {
        var work = TokenWork(
            ResponseBatch(groups), moment: moment, key: RandomKey(seed: seed, purpose: .learner), records: records)
        let start = look(&work)
        method.prepare(&work)
        if method.resetsOptimizer { descent = Descent(weights, settings) }
        let mark = descent.mark()
        do {
            let report = try steps(work, start)
            records.write(work.kept)
            return report
        } catch {
            descent.returnTo(mark)
            throw error
        }
    }

    /// Computes what the method must know of the batch; the transformer's word under the weights at the start, where it is asked for.
    private func look(_ work: inout TokenWork) -> TokenEvaluation? {
        let needs = method.needs
        var start: TokenEvaluation?
        let lacksEntropy = needs.contains(.entropy) && work.batch.entropies.isEmpty
        if needs.contains(.entropy) { work.entropy = work.batch.entropies }
        if !needs.isDisjoint(with: [.start, .values, .lastLayer]) || lacksEntropy {
            start = evaluate(work.batch.groups, weights)
            if needs.contains(.start) || lacksEntropy { work.entropy = start!.entropy }
            work.values = start!.value
            if method.proximal == .start { work.proximal = start!.logProb }
        }
        if let reference { work.reference = evaluate(work.batch.groups, reference).logProb }
        if needs.contains(.lastLayer) { work.last = lastLayer(work.batch.groups) }
        let recalled = method.stages.flatMap { $0.recalls(work.batch, records) }
        if !recalled.isEmpty {
            let said = evaluate(recalled, weights).logProb
            var next = 0
            for group in recalled {
                work.recalled[group] = Array(said[next..<next + group.responseCount])
                next += group.responseCount
            }
        }
        return start
    }

    /// What a transformer says of groups, token by token of the batch.
    public func evaluate(_ groups: [ResponseGroup], _ weights: Weights) -> TokenEvaluation { evaluate(groups.map(\.tokens), weights) }

    private func evaluate(_ groups: [TokenGroup], _ weights: Weights) -> TokenEvaluation {
        let batches = TokenBatch.micro(groups, rows: Transformer.microBatchRows, sharing: method.sharesPrompts)
            .filter { !$0.responseTokens.isEmpty }
        var parts = [TokenEvaluation](repeating: TokenEvaluation(), count: batches.count)
        let parameters = weights.parameters()
        parts.withUnsafeMutableBufferPointer { parts in
            parallel(max(1, min(parallelParts, batches.count))) { part, count in
                for index in batches.count * part / count..<batches.count * (part + 1) / count {
                    parts[index] = TokenEvaluation(transformer(batches[index], parameters, temperature: temperature, topP: topP))
                }
            }
        }
        return parts.reduce(into: TokenEvaluation()) { $0.append($1) }
    }

    /// What the last matrix sees and says of groups, and what the optimiser remembers of it.
    public func lastLayer(_ groups: [ResponseGroup]) -> LastLayer {
        let batch = TokenBatch(groups.map(\.tokens), sharing: method.sharesPrompts)
        let parameters = weights.parameters()
        // The temperature divides logits, so it may as well divide what they are made of.
        let hidden = lookup(transformer.features(batch, parameters), batch.predictingRows) * (1 / temperature)
        let logits = linear(hidden, weight: parameters[transformer.head])
        return LastLayer(
            width: transformer.settings.width, vocabulary: transformer.settings.vocabulary, hidden: hidden.array,
            probabilities: exp(tokenLogDistributions(logits, batch.predictedTokens, topP: topP)).array, moments: moments(of: weights.layout.specs[transformer.head]))
    }

    /// What the optimiser remembers of the gradients of a parameter.
    private func moments(of spec: ParameterSpec) -> LastLayer.Moments? {
        let state = descent.state
        func part(_ name: String) -> [Float]? {
            state.first { $0.name == name }.map { Array($0.bytes.array(of: Float.self)[spec.offset..<spec.offset + spec.count]) }
        }
        switch settings.kind {
        case .adam:
            guard let first = part("adam.first"), let second = part("adam.second"),
                let steps = state.first(where: { $0.name == "adam.steps" })?.bytes.array(of: Int32.self).first, steps > 0
            else { return nil }
            let adam = Adam(count: 0)
            var moments = LastLayer.Moments(first: first, second: second, beta1: adam.beta1, beta2: adam.beta2, epsilon: settings.epsilon)
            let next = Float(steps + 1)
            moments.correction1 = 1 - exponential(next * naturalLogarithm(adam.beta1))
            moments.correction2 = 1 - exponential(next * naturalLogarithm(adam.beta2))
            return moments
        case .rmsprop:
            guard let second = part("rmsprop.mean_square"), second.contains(where: { $0 > 0 }) else { return nil }
            return LastLayer.Moments(
                first: [Float](repeating: 0, count: spec.count), second: second, beta1: 0, beta2: RMSProp(count: 0).alpha, epsilon: settings.epsilon)
        }
    }

    private func steps(_ work: TokenWork, _ start: TokenEvaluation?) throws(NonFiniteGradient) -> LearnerReport {
        let batch = work.batch
        var means = MetricMeans()
        for epoch in 0..<method.epochs {
            for part in deal(batch.groups.count, work, epoch: epoch) {
                let tokens = part.flatMap { batch.members[$0].flatMap { batch.spans[$0] } }
                // Nothing has moved before the first step.
                let known = means.count == 0 ? start?.picked(tokens) : nil
                means.add(try step(work, number: means.count, part.map { batch.groups[$0] }, tokens, known, work.moment.learningRate))
            }
        }
        return LearnerReport(
            loss: means["loss"] ?? 0, gradientNorm: means["gradient_norm"] ?? 0,
            metrics: means.metrics(without: ["loss", "gradient_norm"]) + work.metrics + describe(work))
    }

    /// The groups of each gradient step of an epoch: all in order where there is one step, else dealt out anew in every epoch.
    private func deal(_ count: Int, _ work: TokenWork, epoch: Int) -> [[Int]] {
        let parts = min(method.minibatches, max(count, 1))
        guard parts > 1 else { return [Array(0..<count)] }
        var stream = work.key.stream(slot: UInt32(epoch), episode: work.moment.version)
        let order = Array(0..<count).shuffled(using: &stream)
        return (0..<parts).map { order[count * $0 / parts..<count * ($0 + 1) / parts].sorted() }
    }

    /// One gradient step over whole groups.
    private func step(
        _ work: TokenWork, number: Int, _ groups: [ResponseGroup], _ tokens: [Int], _ known: TokenEvaluation?, _ rate: Float
    ) throws(NonFiniteGradient) -> [Metric] {
        let terms = method.terms
        // Denominators are those of the whole step, whatever part of it is computed at a time; they do not depend on the weights.
        let outline = TokenStep(work, tokens: tokens, logProb: [], entropy: [])
        let scales = terms.map { term -> [Float] in
            let scales = term.scales(outline, method.aggregate)
            return term.isWeighted ? zip(scales, outline.weight).map { $0 * $1 } : scales
        }
        var whole: [Int: TokenSlope] = [:]
        if terms.contains(where: \.seesWholeStep) {
            let now = known ?? evaluate(groups, weights)
            var step = TokenStep(work, tokens: tokens, logProb: now.logProb, entropy: now.entropy, value: now.value)
            step.number = number
            for (index, term) in terms.enumerated() where term.seesWholeStep { whole[index] = term.slope(step) }
        }
        weights.zeroGradient()
        let slopes = whole
        let batches = TokenBatch.micro(groups.map(\.tokens), rows: Transformer.microBatchRows, sharing: method.sharesPrompts)
        let (_, seen) = transformer.accumulateGradient(batches, weights, temperature: temperature, topP: topP) { output, range in
            let now = TokenEvaluation(output)
            let part = TokenStep(work, tokens: Array(tokens[range]), logProb: now.logProb, entropy: now.entropy, value: now.value)
            var total = TokenSlope(range.count)
            for (index, term) in terms.enumerated() {
                total.add(slopes[index]?.part(range) ?? term.slope(part), scales[index][range])
            }
            return (total.surrogate(output), now)
        }
        let now = seen.reduce(into: TokenEvaluation()) { $0.append($1) }
        var step = TokenStep(work, tokens: tokens, logProb: now.logProb, entropy: now.entropy, value: now.value)
        step.number = number
        var (loss, metrics): (Float, [Metric]) = (0, [])
        for (index, term) in terms.enumerated() {
            let slope = slopes[index] ?? term.slope(step)
            let value = zip(slope.loss, scales[index]).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            loss += value
            metrics.append((term.name, value))
            metrics += term.metrics(step)
        }
        let norm = try descent.step(learningRate: rate, loss: loss).gradientNorm
        return [("loss", loss), ("gradient_norm", norm)] + metrics + step.means
    }

    /// What a batch is like, whatever the method.
    private func describe(_ work: TokenWork) -> [Metric] {
        let batch = work.batch
        let judged = batch.groups.indices.flatMap { batch.judged($0) }
        let count = Float(max(judged.count, 1))
        let silent = batch.groups.indices.count { group in
            batch.judged(group).allSatisfy { response in batch.spans[response].allSatisfy { abs(work.advantage[$0]) < 1e-6 } }
        }
        return [
            ("reward", judged.reduce(0) { $0 + batch.responses[$1].reward } / count),
            ("correct", Float(judged.count { batch.responses[$0].isCorrect }) / count),
            ("response_length", judged.reduce(0) { $0 + Float(batch.spans[$1].count) } / count),
            ("cut_share", Float(judged.count { batch.responses[$0].end == .length }) / count),
            ("groups_without_advantage", Float(silent) / Float(max(batch.groups.count, 1))),
            ("groups_left_out", Float(batch.groups.reduce(0) { $0 + Int($1.leftOut.groups) })),
        ]
    }

    /// What it needs besides `weights` to go on after a restart.
    public var state: [Column] {
        descent.state + records.columns + (reference.map { [Column("reference", $0.flat)] } ?? [])
    }

    public func restore(_ state: [Column]) throws {
        try descent.restore(state)
        records = try TaskRecords(columns: state)
        if let reference { try LearnerState(state).load("reference", into: reference.flat) }
    }

    /// From now on the weights as they are now are the reference policy: after a warm-up.
    public func setReference() {
        if reference != nil { reference = weights.copy() }
    }
}

extension ResponseGroup {
    /// What the transformer reads.
    public var tokens: TokenGroup { TokenGroup(prompt: trainedPrompt, responses: responses.map(\.tokens)) }
}

/// What a transformer says of the tokens of a batch, as numbers.
public struct TokenEvaluation: Sendable {
    /// [N] of each token.
    public var logProb: [Float] = []
    /// [N] of each token's distribution.
    public var entropy: [Float] = []
    /// [N] of the state before each token; empty without a value head.
    public var value: [Float] = []

    init() {}
    init(_ output: TokenOutput) {
        logProb = output.logProb.array
        entropy = output.entropy.array
        value = output.value?.array ?? []
    }

    mutating func append(_ other: TokenEvaluation) {
        logProb += other.logProb
        entropy += other.entropy
        value += other.value
    }

    func picked(_ tokens: [Int]) -> TokenEvaluation {
        var picked = TokenEvaluation()
        picked.logProb = tokens.map { logProb[$0] }
        picked.entropy = tokens.map { entropy[$0] }
        if !value.isEmpty { picked.value = tokens.map { value[$0] } }
        return picked
    }
}

extension TokenSlope {
    /// Adds another term's slopes, scaled token by token.
    mutating func add(_ other: TokenSlope, _ scales: ArraySlice<Float>) {
        func add(_ from: [Float], _ to: inout [Float]) {
            guard !from.isEmpty else { return }
            if to.isEmpty { to = [Float](repeating: 0, count: from.count) }
            for (index, scale) in scales.enumerated() where scale != 0 { to[index] += scale * from[index] }
        }
        add(other.loss, &loss)
        add(other.logProb, &logProb)
        add(other.entropy, &entropy)
        add(other.value, &value)
    }

    func part(_ range: Range<Int>) -> TokenSlope {
        var part = TokenSlope(loss: Array(loss[range]), logProb: Array(logProb[range]))
        if !entropy.isEmpty { part.entropy = Array(entropy[range]) }
        if !value.isEmpty { part.value = Array(value[range]) }
        return part
    }

    /// A linear function of what the network says, whose gradient is that of the loss.
    func surrogate(_ output: TokenOutput) -> Tensor {
        var share = sum(Tensor(logProb, [logProb.count]) * output.logProb)
        if !entropy.isEmpty { share = share + sum(Tensor(entropy, [entropy.count]) * output.entropy) }
        if !value.isEmpty, let values = output.value { share = share + sum(Tensor(value, [value.count]) * values) }
        return share
    }
}

extension TokenStep {
    /// Means over the tokens that count.
    var means: [Metric] {
        let count = max(mask.reduce(0, +), 1)
        var (entropy, kl) = (Float(0), Float(0))
        for token in 0..<self.count where mask[token] > 0 {
            entropy += self.entropy[token]
            let x = behaviour[token] - logProb[token]
            // k3 of KL(μ ‖ π), on samples of μ.
            kl += exponential(min(max(-x, -20), 20)) - 1 + x
        }
        return [("entropy", entropy / count), ("behaviour_kl", kl / count)]
    }
}

extension Tensor {
    var array: [Float] { withBuffer { Array($0) } }
}
