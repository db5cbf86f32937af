import CKernels
import Tensors

/// A transformer with fixed weights that reads sequences token by token: what it has read stays in a cache of keys and values per slot.
///
/// A row of its numbers has the same bits whatever rows stand beside it.
struct Decoder {
    /// A snapshot, so that the learner may go on with the weights.
    private struct Layer {
        let attentionNorm, feedForwardNorm: Norm
        let qkv, output, up, down: RightMatrix
    }
    private struct Norm {
        let weight: Tensor
        let bias: Tensor?
    }

    private let transformer: Transformer
    private let embedding: Tensor
    private let layers: [Layer]
    private let finalNorm: Norm
    private let head: RightMatrix

    init(_ transformer: Transformer, _ weights: Weights) {
        precondition(weights.layout == transformer.layout, "weights of another network")
        self.transformer = transformer
        let parameters = weights.copy().parameters()
        func norm(_ indices: Transformer.NormIndices) -> Norm {
            Norm(weight: parameters[indices.weight], bias: indices.bias.map { parameters[$0] })
        }
        func matrix(_ values: Tensor) -> RightMatrix { RightMatrix(packing: values, transposed: true) }
        embedding = parameters[transformer.embedding]
        layers = transformer.blocks.map {
            Layer(
                attentionNorm: norm($0.attentionNorm), feedForwardNorm: norm($0.feedForwardNorm),
                qkv: matrix(parameters.stacked($0.queries...$0.values)), output: matrix(parameters[$0.output]),
                up: matrix(parameters.stacked(($0.gate ?? $0.up)...$0.up)), down: matrix(parameters[$0.down]))
        }
        finalNorm = norm(transformer.finalNorm)
        head = matrix(parameters[transformer.head])
    }

    /// Reads one token per slot, whose place is `positions`; the logits [rows, vocabulary] of the next. Each thread takes some slots.
    func read(_ tokens: [Int32], slots: [Int32], positions: [Int32], _ cache: TokenCache) -> Tensor {
        let columns = transformer.settings.vocabulary
        let logits = Tensor([tokens.count, columns]) { _ in }
        parallel(max(1, min(parallelParts, tokens.count / 12))) { part, parts in
            let range = tokens.count * part / parts..<tokens.count * (part + 1) / parts
            let own = read(Array(tokens[range]), Array(slots[range]), Array(positions[range]), cache)
            logits.withMutableBuffer { all in
                own.withBuffer { (all.baseAddress! + range.lowerBound * columns).update(from: $0.baseAddress!, count: $0.count) }
            }
        }
        return logits
    }

    private func read(_ tokens: [Int32], _ slots: [Int32], _ positions: [Int32], _ cache: TokenCache) -> Tensor {
        let heads = transformer.heads
        let scores = Tensor([cache.capacity]) { _ in }
        let x = stream(tokens, positions: positions) { layer, qkv, output in
            cache.withLayer(layer) { order in
                for row in tokens.indices {
                    apus_cache_put(&order, qkv + row * heads.rowWidth, 1, Int(slots[row]), Int(positions[row]))
                }
                scores.withMutableBuffer {
                    apus_decode(&order, qkv, slots, positions, heads.scale, output, $0.baseAddress, tokens.count)
                }
            }
        }
        return logits(x)
    }

    /// Reads whole sequences, each into all its slots from position 0 on; the logits [sequences, vocabulary] after their last tokens.
    /// A slot belongs to one sequence.
    func read(_ sequences: [(tokens: [Int32], slots: [Int])], _ cache: TokenCache) -> Tensor {
        var (tokens, positions, segments) = ([Int32](), [Int32](), [ApusSegment]())
        for sequence in sequences {
            segments.append(ApusSegment(start: tokens.count, count: sequence.tokens.count, prefix_start: 0, prefix_count: 0))
            tokens += sequence.tokens
            positions += (0..<Int32(sequence.tokens.count))
        }
        let heads = transformer.heads
        let sums = Tensor([tokens.count, heads.queries]) { _ in }
        let x = stream(tokens, positions: positions) { layer, qkv, output in
            cache.withLayer(layer) { order in
                for (sequence, segment) in zip(sequences, segments) {
                    for slot in sequence.slots { apus_cache_put(&order, qkv + segment.start * heads.rowWidth, segment.count, slot, 0) }
                }
            }
            segments.withUnsafeBufferPointer { segments in
                var order = ApusAttention(
                    segments: segments.baseAddress, segment_count: segments.count, heads: heads.queries, key_heads: heads.keys,
                    width: heads.width, scale: heads.scale, qkv: UnsafePointer(qkv))
                let workspace = Tensor([apus_attention_workspace(&order)]) { _ in }
                sums.withMutableBuffer { sums in
                    workspace.withMutableBuffer { apus_attention(&order, 0, heads.keys, output, sums.baseAddress, $0.baseAddress) }
                }
            }
        }
        return logits(x.picked(segments.map { $0.start + $0.count - 1 }))
    }

    /// The stream [rows, width] after all layers. `attend` stores a layer's keys and values and writes what the attention gives.
    private func stream(
        _ tokens: [Int32], positions: [Int32],
        attend: (_ layer: Int, _ qkv: UnsafeMutablePointer<Float>, _ output: UnsafeMutablePointer<Float>) -> Void
    ) -> Tensor {
        let (settings, heads, rows) = (transformer.settings, transformer.heads, tokens.count)
        let (inner, isGated) = (settings.feedForwardWidth, settings.feedForward == .swiglu)
        let x = lookup(embedding, tokens)
        let normed = Tensor(x.shape) { _ in }
        let qkv = Tensor([rows, heads.rowWidth]) { _ in }
        let attended = Tensor([rows, heads.outputWidth]) { _ in }
        let up = Tensor([rows, isGated ? 2 * inner : inner]) { _ in }
        let activated = Tensor([rows, inner]) { _ in }
        withPointers([x, normed, qkv, attended, up, activated]) { p in
            let (x, normed, qkv, attended, up, activated) = (p[0], p[1], p[2], p[3], p[4], p[5])
            for (index, layer) in layers.enumerated() {
                normalize(x, layer.attentionNorm, normed, rows)
                layer.qkv.multiplied(by: normed, rows: rows, adding: false, qkv)
                transformer.rotaryTable.turn(
                    qkv, qkv, rows: rows, heads: heads.queries + heads.keys, columns: heads.rowWidth, positions: positions)
                attend(index, qkv, attended)
                layer.output.multiplied(by: attended, rows: rows, adding: true, x)
                normalize(x, layer.feedForwardNorm, normed, rows)
                layer.up.multiplied(by: normed, rows: rows, adding: false, up)
                isGated ? apus_swiglu(up, activated, rows, inner) : apus_gelu(up, activated, rows * inner)
                layer.down.multiplied(by: activated, rows: rows, adding: true, x)
            }
        }
        return x
    }

    private func logits(_ x: Tensor) -> Tensor {
        let rows = x.shape[0]
        let normed = Tensor(x.shape) { _ in }
        let logits = Tensor([rows, transformer.settings.vocabulary]) { _ in }
        withPointers([x, normed, logits]) { p in
            normalize(p[0], finalNorm, p[1], rows)
            head.multiplied(by: p[1], rows: rows, adding: false, p[2])
        }
        return logits
    }

    private func normalize(_ x: UnsafePointer<Float>, _ norm: Norm, _ y: UnsafeMutablePointer<Float>, _ rows: Int) {
        let width = transformer.settings.width
        let scratch = Tensor([rows, width + 1]) { _ in }
        withPointers([norm.weight, norm.bias ?? norm.weight, scratch]) { p in
            apus_layer_norm(
                x, p[0], norm.bias == nil ? nil : p[1], transformer.settings.normEpsilon, y, p[2], p[2] + rows * width, rows, width)
        }
    }
}

/// The places of several tensors' values, valid inside of `body`.
private func withPointers(_ tensors: [Tensor], _ body: ([UnsafeMutablePointer<Float>]) -> Void) {
    let pointers = tensors.map { $0.withMutableBuffer { $0.baseAddress! } }
    withExtendedLifetime(tensors) { body(pointers) }
}

/// The keys and values that a transformer has computed for the tokens of each slot.
final class TokenCache {
    private let heads: AttentionHeads
    private let slots: Int
    /// The tokens for which a slot has room, a multiple of 16.
    private(set) var capacity: Int
    private var keys: [Tensor] = []
    private var values: [Tensor] = []
    private let layers: Int

    init(_ transformer: Transformer, slots: Int, tokens: Int) {
        heads = transformer.heads
        layers = transformer.settings.layers
        self.slots = slots
        capacity = Self.rounded(tokens)
        (keys, values) = allocate()
    }

    /// Makes room for sequences of this length; what slots hold is kept.
    func reserve(_ tokens: Int) {
        guard tokens > capacity else { return }
        let old = (keys: keys, values: values, capacity: capacity)
        capacity = Self.rounded(max(tokens, capacity * 3 / 2))
        (keys, values) = allocate()
        for layer in 0..<layers {
            move(old.keys[layer], keys[layer], lines: slots * heads.keys * heads.width, old.capacity, capacity)
            let padded = (heads.width + 15) / 16 * 16
            move(old.values[layer], values[layer], lines: slots * heads.keys, old.capacity * padded, capacity * padded)
        }
    }

    /// The first `count` tokens of a slot to another.
    func copy(from: Int, to: Int, count: Int) {
        for layer in 0..<layers { withLayer(layer) { apus_cache_copy(&$0, from, to, count) } }
    }

    func withLayer(_ layer: Int, _ body: (inout ApusCache) -> Void) {
        keys[layer].withMutableBuffer { keys in
            values[layer].withMutableBuffer { values in
                var order = ApusCache(
                    heads: heads.queries, key_heads: heads.keys, width: heads.width, capacity: capacity, keys: keys.baseAddress,
                    values: values.baseAddress)
                body(&order)
            }
        }
    }

    /// Lines a multiple of 1 KiB apart would compete for the same places of the first-level cache.
    private static func rounded(_ tokens: Int) -> Int {
        let capacity = (tokens + 15) / 16 * 16
        return capacity % 256 == 0 ? capacity + 16 : capacity
    }

    private func allocate() -> (keys: [Tensor], values: [Tensor]) {
        let padded = (heads.width + 15) / 16 * 16
        let lines = slots * heads.keys
        return (
            (0..<layers).map { _ in Tensor(zeros: [lines * heads.width, capacity]) },
            (0..<layers).map { _ in Tensor(zeros: [lines * capacity, padded]) }
        )
    }

    private func move(_ from: Tensor, _ to: Tensor, lines: Int, _ fromJump: Int, _ toJump: Int) {
        from.withBuffer { from in
            to.withMutableBuffer { to in
                for line in 0..<lines {
                    (to.baseAddress! + line * toJump).update(from: from.baseAddress! + line * fromJump, count: fromJump)
                }
            }
        }
    }
}
