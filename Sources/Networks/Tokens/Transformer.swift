import Tensors

/// A transformer over tokens (Vaswani et al., 2017) in the form of Llama (Touvron et al., 2023): norms before attention and feed-forward
/// layer, rotary positions, grouped queries.
///
/// A description without values, as all networks. The names and shapes of its parameters are those of Hugging Face's Llama; queries, keys
/// and values stand one after the other, as do gate and up, so that each is one product.
public struct Transformer: Sendable {
    public let settings: TransformerSettings
    public let layout: ParameterLayout
    /// How a row of queries, keys and values is divided.
    public let heads: AttentionHeads
    let rotaryTable: RotaryTable
    let embedding: Int
    let blocks: [Block]
    let finalNorm: NormIndices
    /// That of the embedding where they are tied.
    public let head: Int
    let value: (weight: Int, bias: Int)?

    struct NormIndices: Sendable {
        let weight: Int
        let bias: Int?
    }

    /// The parameters of a layer by their indices.
    struct Block: Sendable {
        let attentionNorm: NormIndices
        let queries, keys, values, output: Int
        let feedForwardNorm: NormIndices
        /// Nil with GELU.
        let gate: Int?
        let up, down: Int
    }

    public init(_ settings: TransformerSettings) throws(NetworkError) {
        try settings.validate()
        self.settings = settings
        heads = AttentionHeads(queries: settings.heads, keys: settings.keyHeads, width: settings.headWidth)
        rotaryTable = RotaryTable(positions: settings.context, width: settings.headWidth, base: settings.rotaryBase)
        let width = settings.width
        var layout = ParameterLayout()
        func norm(_ name: String) -> NormIndices {
            let weight = layout.add("\(name).weight", [width])
            return NormIndices(weight: weight, bias: settings.norm == .layer ? layout.add("\(name).bias", [width]) : nil)
        }
        embedding = layout.add("model.embed_tokens.weight", [settings.vocabulary, width])
        let (queryWidth, keyWidth) = (settings.heads * settings.headWidth, settings.keyHeads * settings.headWidth)
        let inner = settings.feedForwardWidth
        blocks = (0..<settings.layers).map { layer in
            let name = "model.layers.\(layer)"
            return Block(
                attentionNorm: norm("\(name).input_layernorm"), queries: layout.add("\(name).self_attn.q_proj.weight", [queryWidth, width]),
                keys: layout.add("\(name).self_attn.k_proj.weight", [keyWidth, width]),
                values: layout.add("\(name).self_attn.v_proj.weight", [keyWidth, width]),
                output: layout.add("\(name).self_attn.o_proj.weight", [width, queryWidth]),
                feedForwardNorm: norm("\(name).post_attention_layernorm"),
                gate: settings.feedForward == .swiglu ? layout.add("\(name).mlp.gate_proj.weight", [inner, width]) : nil,
                up: layout.add("\(name).mlp.up_proj.weight", [inner, width]), down: layout.add("\(name).mlp.down_proj.weight", [width, inner]))
        }
        finalNorm = norm("model.norm")
        head = settings.tiesEmbeddings ? embedding : layout.add("lm_head.weight", [settings.vocabulary, width])
        value = settings.hasValueHead ? (layout.add("value_head.weight", [1, width]), layout.add("value_head.bias", [1])) : nil
        self.layout = layout
    }

    /// Normal matrices, norms that change nothing, a value of 0. The same seed gives the same weights.
    public func initialWeights(seed: UInt64) -> Weights {
        let weights = Weights(layout)
        let parameters = weights.parameters()
        var initializer = Initializer(seed: seed)
        let deviation = settings.initialDeviation
        let written = settings.scalesOutputs ? deviation / Float(2 * settings.layers).squareRoot() : deviation
        func one(_ norm: NormIndices) { parameters[norm.weight].withMutableBuffer { $0.update(repeating: 1) } }
        initializer.normal(parameters[embedding], deviation: deviation)
        for block in blocks {
            one(block.attentionNorm)
            for index in [block.queries, block.keys, block.values] { initializer.normal(parameters[index], deviation: deviation) }
            initializer.normal(parameters[block.output], deviation: written)
            one(block.feedForwardNorm)
            if let gate = block.gate { initializer.normal(parameters[gate], deviation: deviation) }
            initializer.normal(parameters[block.up], deviation: deviation)
            initializer.normal(parameters[block.down], deviation: written)
        }
        one(finalNorm)
        if head != embedding { initializer.normal(parameters[head], deviation: deviation) }
        return weights
    }

    /// The stream after all layers, normalised: one row [width] per row of the batch.
    public func features(_ batch: TokenBatch, _ parameters: Parameters) -> Tensor {
        precondition(
            batch.tokens.allSatisfy { $0 >= 0 && $0 < settings.vocabulary } && batch.positions.allSatisfy { $0 < settings.context },
            "a token outside of the vocabulary of \(settings.vocabulary), or a position outside of the context of \(settings.context)")
        var x = lookup(parameters[embedding], batch.tokens)
        for block in blocks {
            let qkv = rotary(
                linear(norm(x, block.attentionNorm, parameters), weight: parameters.stacked(block.queries...block.values)),
                heads: heads.queries + heads.keys, positions: batch.positions, table: rotaryTable)
            x = linear(attention(qkv, heads: heads, segments: batch.segments), weight: parameters[block.output], addedTo: x)
            let inner = linear(norm(x, block.feedForwardNorm, parameters), weight: parameters.stacked((block.gate ?? block.up)...block.up))
            x = linear(block.gate == nil ? gelu(inner) : swiglu(inner), weight: parameters[block.down], addedTo: x)
        }
        return norm(x, finalNorm, parameters)
    }

    /// The logits [N, vocabulary] of the token after each row.
    public func logits(_ batch: TokenBatch, _ parameters: Parameters) -> Tensor {
        linear(features(batch, parameters), weight: parameters[head])
    }

    /// What the network says about the responses of a batch.
    /// - Parameters:
    ///   - temperature: that of the distribution that the responses were drawn from.
    ///   - topP: below 1, they were drawn from the most probable tokens alone: see `tokenLogDistributions`.
    public func callAsFunction(_ batch: TokenBatch, _ parameters: Parameters, temperature: Float = 1, topP: Float = 1) -> TokenOutput {
        let all = features(batch, parameters)
        // Logits of the rows that predict a token of a response alone: prompts have none.
        let rows = lookup(all, batch.predictingRows)
        let logits = linear(rows, weight: parameters[head])
        let judged = tokenLogProbabilities(logits, batch.predictedTokens, temperature: temperature, topP: topP)
        let count = batch.predictedTokens.count
        return TokenOutput(
            logProb: judged.rows(0..<1).reshaped([count]), entropy: judged.rows(1..<2).reshaped([count]),
            value: value.map { linear(rows, weight: parameters[$0.weight], bias: parameters[$0.bias]).reshaped([count]) })
    }

    private func norm(_ x: Tensor, _ indices: NormIndices, _ parameters: Parameters) -> Tensor {
        guard let bias = indices.bias else { return rmsNorm(x, weight: parameters[indices.weight], epsilon: settings.normEpsilon) }
        return layerNorm(x, weight: parameters[indices.weight], bias: parameters[bias], epsilon: settings.normEpsilon)
    }
}

/// A transformer's word on the tokens of responses, in the order of `TokenBatch`.
public struct TokenOutput {
    /// Of each token under the distribution of its place.
    public let logProb: Tensor
    /// Of the distribution of each token's place, in nats.
    public let entropy: Tensor
    /// Of the state before each token; nil without a value head.
    public let value: Tensor?
}
