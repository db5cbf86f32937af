import CKernels
import Glibc

/// y = x Wᵀ, or added to `sum`: x [N, in], weight [out, in], sum [N, out] → [N, out]. One operation on the tape.
public func linear(_ x: Tensor, weight: Tensor, addedTo sum: Tensor? = nil) -> Tensor {
    precondition(
        x.shape.count == 2 && weight.shape.count == 2 && x.shape[1] == weight.shape[1],
        "linear needs x [N, in] and weight [out, in], not \(x.shape) and \(weight.shape)")
    let (rows, inputs, outputs) = (x.shape[0], x.shape[1], weight.shape[0])
    precondition(sum == nil || sum?.shape == [rows, outputs], "linear cannot add [\(rows), \(outputs)] to \(sum?.shape ?? [])")
    let y = sum?.copied() ?? Tensor(uninitialized: [rows, outputs])
    let (input, matrix) = (x.detached, weight.detached)
    withExtendedLifetime((input.storage, matrix.storage, y.storage)) {
        product(
            rows, outputs, inputs, input.base, transposed: false, matrix.base, transposed: true, adding: sum != nil, y.base)
    }
    let (nodeX, nodeWeight, nodeSum) = (x.node, weight.node, sum?.node)
    guard let tape = (nodeX ?? nodeWeight ?? nodeSum)?.tape else { return y }
    return y.recorded(on: tape, inputs: [nodeX, nodeWeight, nodeSum].compactMap { $0 }) { gradient in
        withExtendedLifetime((input.storage, matrix.storage, gradient.storage)) {
            nodeWeight?.accumulate([outputs, inputs]) {
                product(outputs, inputs, rows, gradient.base, transposed: true, input.base, transposed: false, adding: $1, $0)
            }
            nodeX?.accumulate([rows, inputs]) {
                product(rows, inputs, outputs, gradient.base, transposed: false, matrix.base, transposed: false, adding: $1, $0)
            }
        }
        nodeSum?.receive(gradient)
    }
}

/// silu(a) · b of a and b side by side (Shazeer, 2020): x [N, 2C] → [N, C]
public func swiglu(_ x: Tensor) -> Tensor {
    let (rows, columns) = matrixShape(x, "swiglu")
    precondition(columns % 2 == 0, "swiglu needs two halves, not a tensor of shape \(x.shape)")
    let y = Tensor(uninitialized: x.shape.dropLast() + [columns / 2])
    withExtendedLifetime(x.storage) { apus_swiglu(x.base, y.base, rows, columns / 2) }
    let saved = x.detached
    return y.recorded(from: x) { gradient in
        withExtendedLifetime((saved.storage, gradient.storage)) {
            Tensor(saved.shape) { apus_swiglu_backward(saved.base, gradient.base, $0.baseAddress, rows, columns / 2) }
        }
    }
}

/// Rows of a table, as often as they are named: table [V, C] and N indices → [N, C]. The embedding of tokens.
public func lookup(_ table: Tensor, _ indices: [Int32]) -> Tensor {
    let (count, columns) = matrixShape(table, "lookup")
    precondition(indices.allSatisfy { $0 >= 0 && $0 < count }, "an index is outside of a table of \(count) rows")
    let y = Tensor(uninitialized: [indices.count, columns])
    withExtendedLifetime(table.storage) {
        for (row, index) in indices.enumerated() { (y.base + row * columns).update(from: table.base + Int(index) * columns, count: columns) }
    }
    guard let node = table.node else { return y }
    let shape = table.shape
    return y.recorded(on: node.tape, inputs: [node]) { gradient in
        node.accumulate(zeroed: shape) { place in
            withExtendedLifetime(gradient.storage) { apus_add_rows_at(gradient.base, indices, place, indices.count, columns) }
        }
    }
}

/// The log-probability of one token per row under softmax(logits / temperature), and the entropy of that distribution in nats: logits
/// [N, V] → [2, N], the log-probabilities first. One operation on the tape, which keeps one matrix of the size of the logits.
///
/// - Parameter topP: see `tokenLogDistributions`. Which tokens are kept is a constant for the gradient; those that are not have none.
public func tokenLogProbabilities(_ logits: Tensor, _ tokens: [Int32], temperature: Float = 1, topP: Float = 1) -> Tensor {
    let (rows, columns) = matrixShape(logits, "tokenLogProbabilities")
    let scale = 1 / temperature
    let all = tokenLogDistributions(logits, tokens, temperature: temperature, topP: topP)
    let y = Tensor(uninitialized: [2, rows])
    withExtendedLifetime((logits.storage, all.storage)) {
        for row in 0..<rows { y.base[row] = all.base[row * columns + Int(tokens[row])] }
        apus_entropy(all.base, y.base + rows, rows, columns)
    }
    return y.recorded(from: logits) { gradient in
        withExtendedLifetime((all.storage, y.storage, gradient.storage)) {
            apus_token_gradient(all.base, tokens, y.base + rows, gradient.base, gradient.base + rows, scale, all.base, rows, columns)
        }
        return all
    }
}

/// log softmax(logits / temperature), [N, V], with no gradient.
///
/// - Parameter topP: below 1, of the most probable tokens that reach this share together, as responses are drawn, and of the row's own
///   token, whatever its probability; −∞ for the others. The row's own is kept because another policy may have drawn it, whose most
///   probable tokens were others.
public func tokenLogDistributions(_ logits: Tensor, _ tokens: [Int32], temperature: Float = 1, topP: Float = 1) -> Tensor {
    let (rows, columns) = matrixShape(logits, "tokenLogDistributions")
    precondition(tokens.count == rows, "one token is needed per row of \(logits.shape), not \(tokens.count)")
    precondition(tokens.allSatisfy { $0 >= 0 && $0 < columns }, "a token is outside of \(columns)")
    precondition(temperature > 0, "the temperature is \(temperature), not greater than 0")
    let scale = 1 / temperature
    let all = Tensor(uninitialized: [rows, columns])
    withExtendedLifetime((logits.storage, all.storage)) {
        guard scale != 1 || topP < 1 else { return apus_log_softmax(logits.base, all.base, rows, columns) }
        apus_affine(logits.base, scale, 0, all.base, all.count)
        if topP < 1 {
            let workspace = Tensor(uninitialized: [2 * columns])
            apus_keep_nucleus(logits.base, tokens, scale, topP, all.base, workspace.base, rows, columns)
        }
        apus_log_softmax(all.base, all.base, rows, columns)
    }
    return all
}

func power(_ base: Float, _ exponent: Float) -> Float { Glibc.powf(base, exponent) }
func cosineOf(_ angle: Double) -> Double { Glibc.cos(angle) }
func sineOf(_ angle: Double) -> Double { Glibc.sin(angle) }
