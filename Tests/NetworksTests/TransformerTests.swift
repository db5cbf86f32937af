import Networks
import TestSupport
import Tensors
import Testing

@Suite struct TransformerTests {
    struct Kind: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let settings: TransformerSettings

        init(_ name: String, keyHeads: Int = 2, _ edit: (inout TransformerSettings) -> Void = { _ in }) {
            testDescription = name
            var settings = TransformerSettings(vocabulary: 9, layers: 2, width: 12, heads: 2, keyHeads: keyHeads, context: 24)
            settings.feedForwardWidth = 10
            settings.initialDeviation = 0.4
            edit(&settings)
            self.settings = settings
        }
    }
    static let kinds = [
        Kind("llama"), Kind("grouped queries, tied", keyHeads: 1) { $0.tiesEmbeddings = true },
        Kind("layer norm, gelu, value") { ($0.norm, $0.feedForward, $0.hasValueHead) = (.layer, .gelu, true) },
        Kind("heads wider than the stream") { $0.headWidth = 16 },
    ]

    /// Groups of ragged responses, one of them empty.
    static func groups(_ count: Int = 4, vocabulary: Int = 9, seed: UInt64 = 3) -> [TokenGroup] {
        var dice = Dice(seed)
        func tokens(_ count: Int) -> [Int32] { (0..<count).map { _ in Int32(dice.below(vocabulary)) } }
        return (0..<count).map { group in
            TokenGroup(prompt: tokens(1 + dice.below(6)), responses: (0..<3).map { tokens(group == 1 && $0 == 2 ? 0 : 1 + dice.below(9)) })
        }
    }

    private func shifted(_ network: Transformer) -> Weights {
        let weights = network.initialWeights(seed: 5)
        var dice = Dice(1)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] += Float.random(in: -0.1...0.1, using: &dice) } }
        return weights
    }

    /// A loss of all that the network says, divided by a number of the whole.
    private static func share(_ output: TokenOutput, _ range: Range<Int>, of count: Int) -> Tensor {
        let places = Tensor(range.map { Float(($0 * 37) % 11) / 5 - 1 }, [range.count])
        var loss = sum(output.logProb * places) + sum(square(output.entropy)) * 0.3
        if let value = output.value { loss = loss + sum(square(value - places)) }
        return loss * (1 / Float(count))
    }

    @Test(arguments: kinds) func equalsDifferences(_ kind: Kind) throws {
        let network = try Transformer(kind.settings)
        let weights = shifted(network)
        let batches = TokenBatch.micro(Self.groups(), rows: 24)
        let count = Self.groups().reduce(0) { $0 + $1.responseCount }
        func loss() -> Double {
            let parameters = weights.parameters()
            return batches.reduce(0) { sum, batch in
                sum + Double(Self.share(network(batch, parameters, temperature: 0.8), batch.responseTokens, of: count).scalar)
            }
        }
        let total = network.accumulateGradient(batches, weights, temperature: 0.8) { Self.share($0, $1, of: count) }
        #expect(abs(total - loss()) < 1e-6)
        let start = weights.flat.values
        var dice = Dice(12)
        for spec in network.layout.specs {
            let range = spec.offset..<spec.offset + spec.count
            let gradient = weights.gradient.rows(range).values
            let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(norm > 1e-4, "\(spec.name) has no gradient")
            let direction = gradient.map { $0 / norm + Float.random(in: -1...1, using: &dice) / Float(spec.count).squareRoot() }
            func at(_ step: Float) -> Double {
                weights.flat.withMutableBuffer { for (k, d) in zip(range, direction) { $0[k] = start[k] + step * d } }
                return loss()
            }
            let step: Float = 0.004
            let difference = Float((at(step) - at(-step)) / Double(2 * step))
            weights.flat.withMutableBuffer { _ = $0.update(fromContentsOf: start) }
            let expected = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(difference - expected) < 0.02 * norm + 5e-4, "\(spec.name): \(expected), by differences \(difference)")
        }
    }

    /// S038: a prompt that is computed once says the same about every response, and has the gradient of all of them.
    @Test(arguments: kinds) func sharedPrompts(_ kind: Kind) throws {
        let network = try Transformer(kind.settings)
        let weights = shifted(network)
        let count = Self.groups().reduce(0) { $0 + $1.responseCount }
        func run(_ batches: [TokenBatch]) -> (values: [Float], gradient: [Float]) {
            weights.zeroGradient()
            let values = network.accumulateGradient(batches, weights, reporting: { output, range in
                (Self.share(output, range, of: count), output.logProb.values)
            }).reports
            return (values.flatMap { $0 }, weights.gradient.values)
        }
        let alone = run([TokenBatch(Self.groups(), sharing: false)])
        let shared = run([TokenBatch(Self.groups(), sharing: true)])
        #expect(TokenBatch(Self.groups()).tokens.count < TokenBatch(Self.groups(), sharing: false).tokens.count)
        expectClose(shared.values, alone.values, "log-probabilities")
        expectClose(shared.gradient, alone.gradient, "gradient")
        // Micro-batches add up, whatever their size and wherever a group is cut.
        for rows in [1, 10, 30, 64] {
            for sharing in [true, false] {
                let batches = TokenBatch.micro(Self.groups(), rows: rows, sharing: sharing)
                #expect(batches.last?.responseTokens.upperBound == count)
                let micro = run(batches)
                expectClose(micro.values, alone.values, within: 1e-6, "log-probabilities, \(rows) rows")
                expectClose(micro.gradient, alone.gradient, within: 1e-6, "gradient, \(rows) rows")
            }
        }
    }

    @Test func microBatchesHoldWholeSequences() {
        let batches = TokenBatch.micro(Self.groups(20), rows: 32)
        #expect(batches.count > 3 && batches.allSatisfy { $0.tokens.count <= 32 })
        #expect(batches.flatMap(\.predictedTokens) == Self.groups(20).flatMap { $0.responses.flatMap { $0 } })
        for (first, second) in zip(batches, batches.dropFirst()) { #expect(first.responseTokens.upperBound == second.responseTokens.lowerBound) }
    }

    @Test func threadsChangeNothing() throws {
        let network = try Transformer(TransformerSettings(vocabulary: 14))
        let weights = network.initialWeights(seed: 1)
        let groups = Self.groups(60, vocabulary: 14)
        func gradient(_ threads: Int) -> [Float] {
            setBLASThreads(threads)
            defer { setBLASThreads(1) }
            weights.zeroGradient()
            _ = network.accumulateGradient([TokenBatch(groups)], weights) { output, _ in sum(output.logProb) }
            return weights.gradient.values
        }
        expectClose(gradient(2), gradient(1), within: 1e-6, "gradient")
    }

    @Test func initialWeightsOfOneSeed() throws {
        var settings = TransformerSettings(vocabulary: 14)
        settings.scalesOutputs = true
        let network = try Transformer(settings)
        let weights = network.initialWeights(seed: 4)
        #expect(weights.flat.values == network.initialWeights(seed: 4).flat.values)
        #expect(weights.flat.values != network.initialWeights(seed: 5).flat.values)
        func deviation(_ name: String) throws -> Float {
            let spec = try #require(network.layout.specs.first { $0.name == name })
            let values = weights.flat.rows(spec.offset..<spec.offset + spec.count).values
            return (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
        }
        #expect(abs(try deviation("model.layers.0.self_attn.q_proj.weight") - 0.02) < 0.001)
        #expect(abs(try deviation("model.layers.1.mlp.down_proj.weight") - 0.01) < 0.0005)
        #expect(try deviation("model.norm.weight") == 1)
        #expect(network.layout.count == 133_184)
    }

    @Test func settingsThatDoNotFit() throws {
        func place(_ edit: (inout TransformerSettings) -> Void) throws -> String {
            var settings = TransformerSettings(vocabulary: 9)
            edit(&settings)
            let error = try #require(#expect(throws: NetworkError.self) { try Transformer(settings) })
            #expect(!error.problem.isEmpty && !error.remedy.isEmpty)
            return error.place
        }
        #expect(try place { $0.heads = 0 } == "transformer.heads")
        #expect(try place { $0.keyHeads = 3 } == "transformer.key_heads")
        #expect(try place { $0.headWidth = 7 } == "transformer.head_width")
        #expect(try place { $0.vocabulary = 0 } == "transformer.vocabulary")
        #expect(try place { $0.context = .max } == "transformer.context")
        #expect(try place { $0.rotaryBase = .nan } == "transformer.rotary_base")
    }

    @Test func tokensThatDoNotFit() throws {
        let network = try Transformer(TransformerSettings(vocabulary: 9, context: 8))
        func problem(_ prompt: [Int32], _ responses: [[Int32]] = []) throws -> String {
            let group = TokenGroup(prompt: prompt, responses: responses)
            let error = try #require(#expect(throws: TokenError.self) { try network.check(group, place: "task 3") })
            #expect(error.place == "task 3" && !error.remedy.isEmpty)
            return error.problem
        }
        #expect(try problem([]).contains("empty"))
        #expect(try problem([1, 9]).contains("token 2 of the prompt is 9"))
        #expect(try problem([1], [[2], [-1]]).contains("token 1 of the response 2 is -1"))
        #expect(try problem([1, 1, 1, 1, 1, 1, 1, 1]).contains("8 tokens"))
        #expect(try problem([1, 1, 1], [[1, 1, 1, 1, 1, 1]]).contains("9 tokens"))
        try network.check(TokenGroup(prompt: [1, 1, 1], responses: [[1, 1, 1, 1, 1], []]), place: "")
    }
}
