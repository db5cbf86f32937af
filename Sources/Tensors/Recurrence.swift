import CKernels

/// The weights of a recurrent layer, in the shapes and the order of gates of PyTorch: G is 4 for an LSTM (input, forget, cell, output) and
/// 3 for a GRU (reset, update, new).
public struct RecurrentWeights {
    /// [G · H, inputs]
    public let input: Tensor
    /// [G · H, H]
    public let hidden: Tensor
    /// [G · H]
    public let inputBias: Tensor
    /// [G · H]
    public let hiddenBias: Tensor

    public init(input: Tensor, hidden: Tensor, inputBias: Tensor, hiddenBias: Tensor) {
        self.input = input
        self.hidden = hidden
        self.inputBias = inputBias
        self.hiddenBias = hiddenBias
    }

    var size: Int { hidden.shape[1] }
    var nodes: [Node] { [input.node, hidden.node, inputBias.node, hiddenBias.node].compactMap { $0 } }
}

/// An unroll of a layer: sizes that every step shares, and what the steps keep for the gradient.
struct Unroll {
    let steps: Int
    /// Sequences side by side.
    let rows: Int
    /// H
    let size: Int
    /// G · H
    let width: Int
    /// A flag per step and sequence; empty where none is set.
    let resets: [UInt8]

    init(_ name: StaticString, _ x: Tensor, _ weights: RecurrentWeights, gates: Int, state: Tensor, resets: [UInt8]) {
        precondition(
            x.shape.count == 2 && state.shape.count == 2 && weights.hidden.shape.count == 2,
            "\(name) needs x [T·B, inputs] and a state [B, H], not \(x.shape) and \(state.shape)")
        rows = state.shape[0]
        size = weights.size
        width = gates * size
        precondition(
            weights.input.shape == [width, x.shape[1]] && weights.hidden.shape == [width, size] && weights.inputBias.shape == [width]
                && weights.hiddenBias.shape == [width],
            "\(name) needs weights [\(gates)H, inputs], [\(gates)H, H] and biases [\(gates)H] for x \(x.shape)")
        precondition(
            state.shape[1] == size && rows > 0 && x.shape[0] > 0 && x.shape[0] % rows == 0,
            "\(name) needs x [T·B, inputs] and a state [B, \(size)], not \(x.shape) and \(state.shape)")
        steps = x.shape[0] / rows
        precondition(
            resets.isEmpty || resets.count == steps * rows,
            "\(name) needs a reset flag per step and sequence (\(steps * rows)), not \(resets.count)")
        // Without a reset nothing needs to be copied or cleared.
        self.resets = resets.contains { $0 != 0 } ? resets : []
    }

    /// The values of a state at one step.
    var stride: Int { rows * size }

    /// Runs `body` for all sequences, some on each thread where that pays: no sequence needs another's numbers. Its second argument is how
    /// many threads a product inside may take.
    func forSequences(_ body: (Range<Int>, Int32) -> Void) {
        let parts = max(1, min(Int(apus_threads()), rows / 8, (steps * rows * width * size) >> 20))
        parallel(parts) { part, parts in
            body(rows * part / parts..<rows * (part + 1) / parts, parts > 1 ? 1 : apus_threads())
        }
    }

    /// Clears the gradient of what did not enter a step.
    func cut(_ step: Int, _ gradient: UnsafeMutablePointer<Float>, _ sequences: Range<Int>) {
        if resets.isEmpty { return }
        for row in sequences where resets[step * rows + row] != 0 { (gradient + row * size).update(repeating: 0, count: size) }
    }

    /// The gradients that all steps give together: those of the weights and of x.
    func accumulate(
        _ x: Tensor, _ xNode: Node?, _ weights: RecurrentWeights, before: Tensor, gates: Tensor, products: Tensor
    ) {
        let count = steps * rows
        let inputs = x.shape[1]
        withExtendedLifetime((x.storage, weights.input.storage, before.storage, gates.storage, products.storage)) {
            weights.inputBias.node?.accumulate(zeroed: [width]) { apus_bias_backward(gates.base, $0, count, width) }
            weights.hiddenBias.node?.accumulate(zeroed: [width]) { apus_bias_backward(products.base, $0, count, width) }
            weights.input.node?.accumulate([width, inputs]) {
                product(width, inputs, count, gates.base, transposed: true, x.base, transposed: false, adding: $1, $0)
            }
            weights.hidden.node?.accumulate([width, size]) {
                product(width, size, count, products.base, transposed: true, before.base, transposed: false, adding: $1, $0)
            }
            xNode?.accumulate([count, inputs]) {
                product(count, inputs, width, gates.base, transposed: false, weights.input.base, transposed: false, adding: $1, $0)
            }
        }
    }
}

/// The states of an unroll: those that leave its steps, and those that enter them.
private struct States {
    /// [T·B, H], the state after every step.
    let after: Tensor
    /// [T·B, H], the state that enters every step: without resets the same memory one step earlier.
    let before: Tensor
    private let unroll: Unroll

    init(_ unroll: Unroll, from initial: Tensor) {
        let (count, rows, size) = (unroll.steps * unroll.rows, unroll.rows, unroll.size)
        self.unroll = unroll
        if unroll.resets.isEmpty {
            let whole = Tensor(uninitialized: [count + rows, size])
            (before, after) = (whole.rows(0..<count), whole.rows(rows..<rows + count))
        } else {
            (before, after) = (Tensor(uninitialized: [count, size]), Tensor(uninitialized: [count, size]))
        }
        withExtendedLifetime(initial.storage) { before.base.update(from: initial.base, count: unroll.stride) }
    }

    /// Puts the states of some sequences where a step reads them, cleared where an episode starts at that step.
    func enter(_ step: Int, _ sequences: Range<Int>) {
        if unroll.resets.isEmpty { return }
        let (size, stride) = (unroll.size, unroll.stride)
        for row in sequences {
            let place = before.base + step * stride + row * size
            if unroll.resets[step * unroll.rows + row] != 0 {
                place.update(repeating: 0, count: size)
            } else if step > 0 {
                place.update(from: after.base + (step - 1) * stride + row * size, count: size)
            }
        }
    }
}

/// A long short-term memory (Hochreiter and Schmidhuber, 1997; the gates of PyTorch) over an unroll of T steps of B sequences.
///
/// - Parameters:
///   - x: [T·B, inputs], time-major; T follows from B.
///   - hidden, cell: [B, H], the state that enters the first step.
///   - resets: empty, or a flag per step and sequence, [T·B]: where it is not 0, an episode starts at that step, and the state that
///     enters it is 0.
/// - Returns: `output` [T·B, H], the hidden state after every step, and `cells` [T·B, H], that of the cells, as constants for later unrolls.
public func lstm(
    _ x: Tensor, hidden: Tensor, cell: Tensor, weights: RecurrentWeights, resets: [UInt8] = []
) -> (output: Tensor, cells: Tensor) {
    let unroll = Unroll("lstm", x, weights, gates: 4, state: hidden, resets: resets)
    let (steps, rows, size, width, stride) = (unroll.steps, unroll.rows, unroll.size, unroll.width, unroll.stride)
    precondition(cell.shape == hidden.shape, "lstm needs hidden and cell states of one shape, not \(hidden.shape) and \(cell.shape)")
    let (hiddenNode, cellNode) = (hidden.node, cell.node)
    let nodes = [x.node, hiddenNode, cellNode].compactMap { $0 } + weights.nodes
    let tape = nodes.first?.tape
    let input = x.detached
    let (hiddens, cells) = (States(unroll, from: hidden), States(unroll, from: cell))
    let gates = Tensor(uninitialized: [steps * rows, width])
    // tanh of the cell that leaves each step, kept for the gradient alone.
    let cellTanh = Tensor(uninitialized: [tape == nil ? rows : steps * rows, size])
    let recurrent = RightMatrix(weights.hidden, transposed: true, rows: rows, uses: steps)
    withExtendedLifetime((input, weights, hiddens, cells, cellTanh)) {
        product(
            steps * rows, width, input.shape[1], input.base, transposed: false, weights.input.base, transposed: true, adding: false,
            gates.base)
        unroll.forSequences { sequences, threads in
            for step in 0..<steps {
                hiddens.enter(step, sequences)
                cells.enter(step, sequences)
                let first = sequences.lowerBound * size
                let at = step * stride + first
                let now = gates.base + (step * rows + sequences.lowerBound) * width
                recurrent.multiplied(by: hiddens.before.base + at, rows: sequences.count, adding: true, now, threads: threads)
                apus_lstm_step(
                    now, weights.inputBias.base, weights.hiddenBias.base, cells.before.base + at, hiddens.after.base + at,
                    cells.after.base + at, cellTanh.base + (tape == nil ? first : at), sequences.count, size)
            }
        }
    }
    guard let tape else { return (hiddens.after, cells.after) }
    let recorded = hiddens.after.recorded(on: tape, inputs: nodes) { gradient in
        let gatesGradient = Tensor(uninitialized: gates.shape)
        let cellGradient = Tensor(zeros: [rows, size])
        let carried = Tensor(uninitialized: [rows, size])
        let recurrent = RightMatrix(weights.hidden, transposed: false, rows: rows, uses: steps)
        withExtendedLifetime((gates.storage, cells.before.storage, cellTanh.storage, gradient.storage)) {
            unroll.forSequences { sequences, threads in
                let (first, count) = (sequences.lowerBound * size, sequences.count)
                for step in (0..<steps).reversed() {
                    let (at, wide) = (step * stride + first, (step * rows + sequences.lowerBound) * width)
                    if step < steps - 1 { apus_axpy(1, carried.base + first, gradient.base + at, count * size) }
                    let now = gatesGradient.base + wide
                    apus_lstm_step_backward(
                        gates.base + wide, cells.before.base + at, cellTanh.base + at, gradient.base + at, cellGradient.base + first, now, count,
                        size)
                    guard step > 0 || hiddenNode != nil || cellNode != nil else { break }
                    recurrent.multiplied(by: now, rows: count, adding: false, carried.base + first, threads: threads)
                    unroll.cut(step, carried.base, sequences)
                    unroll.cut(step, cellGradient.base, sequences)
                }
            }
        }
        unroll.accumulate(input, x.node, weights, before: hiddens.before, gates: gatesGradient, products: gatesGradient)
        hiddenNode?.receive(carried)
        cellNode?.receive(cellGradient)
    }
    return (recorded, cells.after)
}

/// A gated recurrent unit (Cho et al., 2014; the form of PyTorch, which applies the reset to the product of the hidden state) over an
/// unroll of T steps of B sequences.
///
/// - Parameters: as of `lstm`.
/// - Returns: [T·B, H], the hidden state after every step.
public func gru(_ x: Tensor, hidden: Tensor, weights: RecurrentWeights, resets: [UInt8] = []) -> Tensor {
    let unroll = Unroll("gru", x, weights, gates: 3, state: hidden, resets: resets)
    let (steps, rows, size, width, stride) = (unroll.steps, unroll.rows, unroll.size, unroll.width, unroll.stride)
    let input = x.detached
    let states = States(unroll, from: hidden)
    let gates = Tensor(uninitialized: [steps * rows, width])
    let products = Tensor(uninitialized: gates.shape)
    let recurrent = RightMatrix(weights.hidden, transposed: true, rows: rows, uses: steps)
    withExtendedLifetime((input, weights, states)) {
        product(
            steps * rows, width, input.shape[1], input.base, transposed: false, weights.input.base, transposed: true, adding: false,
            gates.base)
        unroll.forSequences { sequences, threads in
            for step in 0..<steps {
                states.enter(step, sequences)
                let (at, wide) = (step * stride + sequences.lowerBound * size, (step * rows + sequences.lowerBound) * width)
                recurrent.multiplied(
                    by: states.before.base + at, rows: sequences.count, adding: false, products.base + wide, threads: threads)
                apus_gru_step(
                    gates.base + wide, products.base + wide, weights.inputBias.base, weights.hiddenBias.base, states.before.base + at,
                    states.after.base + at, sequences.count, size)
            }
        }
    }
    let hiddenNode = hidden.node
    let nodes = [x.node, hiddenNode].compactMap { $0 } + weights.nodes
    guard let tape = nodes.first?.tape else { return states.after }
    let recorded = states.after.recorded(on: tape, inputs: nodes) { gradient in
        let (gatesGradient, productsGradient) = (Tensor(uninitialized: gates.shape), Tensor(uninitialized: gates.shape))
        let carried = Tensor(zeros: [rows, size])
        let recurrent = RightMatrix(weights.hidden, transposed: false, rows: rows, uses: steps)
        withExtendedLifetime((gates.storage, products.storage, states.before.storage, gradient.storage)) {
            unroll.forSequences { sequences, threads in
                let (first, count) = (sequences.lowerBound * size, sequences.count)
                for step in (0..<steps).reversed() {
                    let (at, wide) = (step * stride + first, (step * rows + sequences.lowerBound) * width)
                    apus_axpy(1, gradient.base + at, carried.base + first, count * size)
                    apus_gru_step_backward(
                        gates.base + wide, products.base + wide, states.before.base + at, carried.base + first, gatesGradient.base + wide,
                        productsGradient.base + wide, count, size)
                    recurrent.multiplied(
                        by: productsGradient.base + wide, rows: count, adding: true, carried.base + first, threads: threads)
                    unroll.cut(step, carried.base, sequences)
                }
            }
        }
        unroll.accumulate(input, x.node, weights, before: states.before, gates: gatesGradient, products: productsGradient)
        hiddenNode?.receive(carried)
    }
    return recorded
}
