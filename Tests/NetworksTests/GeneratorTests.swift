import Networks
import Tensors
import Testing

@Suite struct GeneratorTests {
    /// Large enough for the kernels of wide heads and for remainders; far from uniform.
    private static func network(_ edit: (inout TransformerSettings) -> Void = { _ in }) throws -> (Transformer, Weights) {
        var settings = TransformerSettings(vocabulary: 13, layers: 2, width: 32, heads: 4, keyHeads: 2, context: 48)
        settings.initialDeviation = 0.25
        edit(&settings)
        let network = try Transformer(settings)
        return (network, network.initialWeights(seed: 2))
    }

    private func prompt(_ number: Int) -> [Int32] { (0...number % 7).map { (i: Int) -> Int32 in Int32((number * 5 + i * 3) % 13) } }

    /// What the training forward says about a response.
    private func judged(_ response: Response, _ network: Transformer, _ weights: Weights, temperature: Float = 1, topP: Float = 1) -> [Float] {
        let batch = TokenBatch([TokenGroup(prompt: response.prompt, responses: [response.tokens])])
        return network(batch, weights.parameters(), temperature: temperature, topP: topP).logProb.values
    }

    private func settings(longest: Int = 20, slots: Int = 5, _ edit: (inout GenerationSettings) -> Void = { _ in }) -> GenerationSettings {
        var settings = GenerationSettings(longestResponse: longest, stop: 1)
        settings.slots = slots
        edit(&settings)
        return settings
    }

    @Test(arguments: [Float(1), 0.7]) func logProbsAreThoseOfTheTrainingForward(temperature: Float) throws {
        for edit in [{ _ in }, { ($0.norm, $0.feedForward, $0.tiesEmbeddings) = (.layer, .gelu, true) }] as [(inout TransformerSettings) -> Void] {
            let (network, weights) = try Self.network(edit)
            let generator = try Generator(network, weights, version: 4, settings { $0.temperature = temperature })
            for id in 0..<12 { try generator.add(prompt: prompt(id), responses: [UInt64(id), UInt64(100 + id)]) }
            let responses = generator.finishAll()
            #expect(responses.count == 24)
            for response in responses {
                let expected = judged(response, network, weights, temperature: temperature)
                for (a, e) in zip(response.logProbs, expected) { #expect(abs(a - e) < 1e-5) }
                #expect(response.logProbs.count == response.tokens.count && response.versions == [VersionSwitch(token: 0, version: 4)])
                #expect(response.end == (response.tokens.last == 1 ? .stopped : .length))
                #expect(response.tokens.count == 20 || response.end == .stopped)
                #expect(!response.tokens.dropLast().contains(1))
            }
            #expect(Set(responses.map(\.id)).count == 24 && generator.drawn == responses.reduce(0) { $0 + $1.tokens.count })
        }
    }

    /// With top-p, too, both say the same of the same policy: log-probabilities, and entropies.
    @Test(arguments: [(Float(1), Float(0.8)), (0.7, 0.95), (1.5, 0.3)]) func theTrainingForwardKeepsTheSameTokens(temperature: Float, topP: Float) throws {
        let (network, weights) = try Self.network()
        let generator = try Generator(
            network, weights, version: 4, settings { ($0.temperature, $0.topP, $0.keepsEntropy, $0.stop) = (temperature, topP, true, nil) })
        for id in 0..<24 { try generator.add(prompt: prompt(id), responses: [UInt64(id), UInt64(100 + id)]) }
        var left = 0
        for response in generator.finishAll() {
            let batch = TokenBatch([TokenGroup(prompt: response.prompt, responses: [response.tokens])])
            let said = network(batch, weights.parameters(), temperature: temperature, topP: topP)
            for (a, e) in zip(response.logProbs, said.logProb.values) { #expect(abs(a - e) < 1e-5) }
            for (a, e) in zip(response.entropies, said.entropy.values) { #expect(abs(a - e) < 1e-4) }
            // Without it, tokens that could not have been drawn have their share too.
            left += zip(response.logProbs, judged(response, network, weights, temperature: temperature)).count { $0 - $1 > 0.02 }
        }
        #expect(left > 400)
    }

    /// A policy of which another has drawn what it would not have: the token counts among its own most probable ones.
    @Test func aTokenThatThePolicyWouldNotDrawHasAProbability() throws {
        let logits: [Float] = [3, 2.5, 1, 0, -1, -3]
        let tokens = (0..<6).map(Int32.init)
        let rows = Tensor((0..<6).flatMap { _ in logits }, [6, 6])
        let said = tokenLogProbabilities(rows, tokens, topP: 0.8).values
        let weights = logits.map { exp(Tensor($0)).scalar }
        // The first two have 0.87 of all, the first alone has 0.54.
        for token in 0..<6 {
            let kept = weights[0] + weights[1] + (token > 1 ? weights[token] : 0)
            #expect(abs(said[token] - log(Tensor(weights[token] / kept)).scalar) < 1e-6)
        }
        let all = tokenLogDistributions(rows, tokens, topP: 0.8).values
        for row in 0..<6 { #expect(all[row * 6..<row * 6 + 6].count { $0 == -.infinity } == (row > 1 ? 3 : 4)) }
    }

    /// Bit for bit: neither slots nor neighbours nor the size of a batch are seen in a response.
    @Test func aResponseDoesNotDependOnItsNeighbours() throws {
        let (network, weights) = try Self.network()
        func responses(slots: Int, group: Bool, reversed: Bool = false) throws -> [Response] {
            let generator = try Generator(network, weights, version: 0, settings(slots: slots))
            for id in reversed ? Array((0..<10).reversed()) : Array(0..<10) {
                let ids = (0..<4).map { UInt64(id * 4 + $0) }
                if group {
                    try generator.add(prompt: prompt(id), responses: ids)
                } else {
                    for id in ids { try generator.add(prompt: prompt(Int(id) / 4), responses: [id]) }
                }
            }
            return generator.finishAll().sorted { $0.id < $1.id }
        }
        let alone = try responses(slots: 1, group: false)
        #expect(try responses(slots: 40, group: true) == alone)
        #expect(try responses(slots: 7, group: true) == alone)
        #expect(try responses(slots: 3, group: false, reversed: true) == alone)
        #expect(Set(alone.map(\.tokens)).count > 30)
    }

    @Test func aFinishedSlotTakesTheNextAtOnce() throws {
        let (network, weights) = try Self.network()
        let generator = try Generator(network, weights, version: 0, settings(longest: 12, slots: 3))
        for id in 0..<30 { try generator.add(prompt: prompt(id), responses: [UInt64(id)]) }
        var steps = 0
        while generator.waiting > 0 {
            #expect(generator.open.count <= 3)
            _ = generator.step()
            steps += 1
            // Whoever finished made room for one that begins in the next step and has a token then.
            #expect(generator.drawn == 3 * steps && generator.steps == steps)
        }
        #expect(generator.finishAll().allSatisfy { $0.id > 20 } && generator.isIdle)
        // What is left takes fewer slots than there are; asking once more is no step.
        let done = generator.steps
        #expect(generator.drawn < 3 * done && done > steps)
        #expect(generator.step().isEmpty && generator.steps == done)
    }

    @Test func weightsChangeBetweenTokens() throws {
        let (network, first) = try Self.network()
        let second = network.initialWeights(seed: 9)
        let generator = try Generator(network, first, version: 7, settings(longest: 15, slots: 4) { $0.stop = nil })
        // Of a group some wait while the weights change.
        try generator.add(prompt: [3, 4, 5], responses: [0, 1, 2, 3, 4, 5, 6])
        for _ in 0..<6 { #expect(generator.step().isEmpty) }
        generator.load(second, version: 8)
        let responses = generator.finishAll()
        #expect(responses.count == 7)
        for response in responses {
            let switched = response.id < 4
            let begun = VersionSwitch(token: 0, version: switched ? 7 : 8)
            #expect(response.versions == (switched ? [begun, VersionSwitch(token: 6, version: 8)] : [begun]))
            let (before, after) = (judged(response, network, first), judged(response, network, second))
            for token in 0..<15 {
                #expect(abs(response.logProbs[token] - (switched && token < 6 ? before : after)[token]) < 1e-5)
            }
        }
    }

    @Test func cachesMayStayAsTheyWere() throws {
        let (network, weights) = try Self.network()
        let generator = try Generator(network, weights, version: 1, settings(slots: 2) { ($0.stop, $0.readsAgain) = (nil, false) })
        try generator.add(prompt: [3, 4, 5], responses: [0])
        for _ in 0..<6 { _ = generator.step() }
        generator.load(network.initialWeights(seed: 9), version: 2)
        let response = generator.finishAll()[0]
        let after = judged(response, network, network.initialWeights(seed: 9))
        #expect(zip(response.logProbs, after).dropFirst(6).contains { abs($0 - $1) > 1e-3 })
    }

    @Test func theLearnerMayGoOnWithItsWeights() throws {
        let (network, weights) = try Self.network()
        let copy = weights.copy()
        let generator = try Generator(network, weights, version: 0, settings())
        weights.flat.withMutableBuffer { $0.update(repeating: 0.1) }
        try generator.add(prompt: [2], responses: [5])
        let response = generator.finishAll()[0]
        for (a, e) in zip(response.logProbs, judged(response, network, copy)) { #expect(abs(a - e) < 1e-5) }
    }

    /// The distribution that is drawn from, and its log-probability: the most probable tokens that reach top-p together.
    @Test func topP() throws {
        let (network, weights) = try Self.network()
        let generator = try Generator(network, weights, version: 0, settings(longest: 1, slots: 64) { ($0.topP, $0.temperature) = (0.8, 1.3) })
        try generator.add(prompt: [3, 7], responses: Array(0..<4000))
        let responses = generator.finishAll()
        let batch = TokenBatch([TokenGroup(prompt: [3, 7], responses: [[0]])])
        let logits = network.logits(batch, weights.parameters()).values.suffix(13)
        let all = logSoftmax(Tensor(logits.map { $0 / 1.3 }, [1, 13])).values.enumerated().sorted { $0.element > $1.element }
        var (kept, mass) = ([(token: Int32, probability: Float)](), Float(0))
        for (token, logProb) in all where mass < 0.8 {
            kept.append((Int32(token), exp(Tensor(logProb)).scalar))
            mass += kept.last!.probability
        }
        #expect(kept.count > 1 && kept.count < 13)
        for response in responses {
            let found = try #require(kept.first { $0.token == response.tokens[0] }, "\(response.tokens) was cut")
            #expect(abs(response.logProbs[0] - log(Tensor(found.probability / mass)).scalar) < 1e-5)
        }
        for (token, probability) in kept {
            let share = Float(responses.count { $0.tokens[0] == token }) / 4000
            #expect(abs(share - probability / mass) < 5 * (probability / mass / 4000).squareRoot())
        }
    }

    @Test func temperatureZeroTakesTheMostProbable() throws {
        let (network, weights) = try Self.network()
        let generator = try Generator(network, weights, version: 0, settings(longest: 6) { ($0.temperature, $0.stop) = (0, nil) })
        try generator.add(prompt: [3, 7], responses: [1, 2])
        let responses = generator.finishAll()
        #expect(responses[0].tokens == responses[1].tokens && responses[0].logProbs == [Float](repeating: 0, count: 6))
        let batch = TokenBatch([TokenGroup(prompt: [3, 7], responses: [responses[0].tokens])])
        #expect(argmax(network.logits(batch, weights.parameters())).dropFirst() == responses[0].tokens[...])
    }

    @Test func theContextEndsAResponse() throws {
        let (network, weights) = try Self.network { $0.context = 21 }
        let generator = try Generator(network, weights, version: 0, settings(longest: 100) { $0.stop = nil })
        try generator.add(prompt: prompt(6), responses: [0])
        try generator.add(prompt: [1, 2], responses: [1])
        let lengths = generator.finishAll().map { $0.prompt.count + $0.tokens.count }
        #expect(lengths == [21, 21])
    }

    /// Longer prompts than any before make the cache grow under responses that are being generated.
    @Test func theCacheGrows() throws {
        let (network, weights) = try Self.network { $0.context = 400 }
        let generator = try Generator(network, weights, version: 0, settings(longest: 30, slots: 3) { $0.stop = nil })
        try generator.add(prompt: [3], responses: [0])
        for _ in 0..<5 { _ = generator.step() }
        try generator.add(prompt: (0..<300).map { (i: Int) -> Int32 in Int32(i % 13) }, responses: [1])
        for response in generator.finishAll() {
            for (a, e) in zip(response.logProbs, judged(response, network, weights)) { #expect(abs(a - e) < 2e-5) }
        }
    }

    @Test func anOpenResponseCanBeTakenOut() throws {
        let (network, weights) = try Self.network()
        let generator = try Generator(network, weights, version: 0, settings(slots: 2) { $0.stop = nil })
        try generator.add(prompt: [3], responses: [0, 1, 2])
        _ = generator.step()
        let removed = try #require(generator.remove(1))
        #expect(removed.end == .open && removed.tokens.count == 1)
        #expect(generator.remove(2) == nil && generator.remove(1) == nil)
        #expect(generator.finishAll().map(\.id).sorted() == [0, 2])
    }

    @Test func refusedSettingsAndPrompts() throws {
        let (network, weights) = try Self.network()
        func place(_ edit: (inout GenerationSettings) -> Void) throws -> String {
            let settings = settings(edit)
            return try #require(#expect(throws: TokenError.self) { try Generator(network, weights, version: 0, settings) }).place
        }
        #expect(try place { $0.slots = 0 } == "generation.slots")
        #expect(try place { $0.topP = 0 } == "generation.top_p")
        #expect(try place { $0.temperature = -1 } == "generation.temperature")
        #expect(try place { $0.stop = 13 } == "generation.stop")
        #expect(try place { $0.longestResponse = 0 } == "generation.longest_response")
        let generator = try Generator(network, weights, version: 0, settings())
        for prompt in [[], [13], [Int32](repeating: 0, count: 48)] as [[Int32]] {
            #expect(throws: TokenError.self) { try generator.add(prompt: prompt, responses: [8]) }
        }
        #expect(generator.isIdle)
    }
}
