import Glibc
import Networks
import Platform
import Tensors
import Testing

/// A model as Hugging Face's transformers writes it, against what it says there (scripts/traces/llama.py).
@Suite struct LlamaTests {
    private let config: JSON
    private let columns: [Column]
    private let expected: JSON

    init() throws {
        config = try JSON.parse(Fixtures.read("llama/config.json"), place: "config.json")
        columns = try Safetensors.decode(Fixtures.read("llama/model.safetensors"), place: "model.safetensors").columns
        expected = try JSON.parse(Fixtures.read("llama/expected.json"), place: "expected.json")
    }

    private func sequences() throws -> [[Int32]] {
        try #require(expected["sequences"]?.array).map { $0.floats.map { Int32($0) } }
    }

    @Test func settings() throws {
        let settings = try TransformerSettings(llama: config, place: "config.json")
        #expect(
            (settings.vocabulary, settings.layers, settings.width, settings.heads, settings.keyHeads) == (11, 2, 16, 4, 2)
                && (settings.feedForwardWidth, settings.context, settings.headWidth) == (20, 32, 4))
        #expect((settings.rotaryBase, settings.normEpsilon, settings.tiesEmbeddings) == (500, 1e-5, false))
    }

    @Test func logits() throws {
        let network = try Transformer(TransformerSettings(llama: config, place: "config.json"))
        let weights = try network.weights(from: columns, place: "model.safetensors")
        let logits = try #require(expected["logits"]?.array)
        // All rows of a sequence are read: the last token is one that nobody asks about.
        let groups = try sequences().map { TokenGroup(prompt: [$0[0]], responses: [Array($0.dropFirst()) + [0]]) }
        let both = network.logits(TokenBatch(groups), weights.parameters())
        expectClose(both.values, logits.flatMap(\.floats), within: 1e-5, "logits")
    }

    @Test func gradient() throws {
        let network = try Transformer(TransformerSettings(llama: config, place: "config.json"))
        let weights = try network.weights(from: columns, place: "model.safetensors")
        let groups = try sequences().map { TokenGroup(prompt: [$0[0]], responses: [Array($0.dropFirst())]) }
        let coefficients = groups.enumerated().flatMap { number, group in
            (0..<group.responseCount).map { Glibc.cosf(Float($0 + number)) }
        }
        let loss = network.accumulateGradient([TokenBatch(groups)], weights) { output, range in
            sum(output.logProb * Tensor(Array(coefficients[range]), [range.count])) + sum(output.entropy) * 0.3
        }
        expectClose([Float(loss)], try #require(expected["loss"]).floats, "loss")
        for column in try Safetensors.decode(Fixtures.read("llama/gradient.safetensors"), place: "gradient").columns {
            let spec = try #require(network.layout.specs.first { $0.name == column.name })
            let actual = weights.gradient.rows(spec.offset..<spec.offset + spec.count).values
            expectClose(actual, column.bytes.array(of: Float.self), within: 3e-5, "gradient of \(spec.name)")
        }
    }

    @Test func whatDoesNotFit() throws {
        let settings = try TransformerSettings(llama: config, place: "config.json")
        func problem(_ change: (inout TransformerSettings) -> Void, _ columns: [Column]) throws -> String {
            var settings = settings
            change(&settings)
            let network = try Transformer(settings)
            return try #require(#expect(throws: NetworkError.self) { try network.weights(from: columns, place: "m") }).problem
        }
        #expect(try problem({ $0.layers = 3 }, columns).contains("model.layers.2.input_layernorm.weight"))
        #expect(try problem({ $0.layers = 1 }, columns).contains("model.layers.1"))
        #expect(try problem({ $0.feedForwardWidth = 21 }, columns).contains("[21, 16]"))
        #expect(try problem({ _ in }, columns.filter { $0.name != "lm_head.weight" }).contains("lm_head.weight"))
        // Where embeddings are tied the head may stand in the file or not.
        var tied = settings
        tied.tiesEmbeddings = true
        let network = try Transformer(tied)
        let weights = try network.weights(from: columns.filter { $0.name != "lm_head.weight" }, place: "m")
        #expect(try network.weights(from: columns, place: "m").flat.values == weights.flat.values)
        // A value head starts at 0.
        tied.hasValueHead = true
        #expect(try Transformer(tied).weights(from: columns, place: "m").flat.values == weights.flat.values + [Float](repeating: 0, count: 17))
    }

    @Test func refusedModels() throws {
        func problem(_ name: String, _ value: JSON) throws -> NetworkError {
            var members = try #require(config.object).filter { $0.name != name }
            members.append(JSON.Member(name, value))
            return try #require(#expect(throws: NetworkError.self) { try TransformerSettings(llama: .object(members), place: "c") })
        }
        #expect(try problem("attention_bias", .bool(true)).problem.contains("biases"))
        #expect(try problem("hidden_act", .string("relu")).problem.contains("relu"))
        let scaled = JSON.object([JSON.Member("rope_type", .string("llama3"))])
        #expect(try problem("rope_parameters", scaled).problem.contains("llama3"))
        #expect(try problem("num_key_value_heads", .integer(3)).place == "transformer.key_heads")
        #expect(try problem("head_dim", .integer(5)).place == "transformer.head_width")
        #expect(try problem("hidden_size", .null).problem.contains("hidden_size"))
    }

}
