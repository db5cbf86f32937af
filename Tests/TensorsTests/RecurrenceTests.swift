import Tensors
import Testing

/// What resets and states mean in an unroll.
@Suite struct RecurrenceTests {
    private static let size = 5
    private static let inputs = 3
    private static let rows = 2

    private func random(_ shape: [Int], _ stream: inout RandomStream) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in Float(stream.uniform(in: -1...1)) }, shape)
    }

    private func stream(_ seed: UInt64) -> RandomStream { RandomKey(seed: seed, purpose: .learner).stream(slot: 0, episode: 0) }

    /// Both layers behind one signature, with the state after the last step; a GRU has no cell.
    private func run(
        _ gates: Int, _ x: Tensor, _ hidden: Tensor, _ cell: Tensor, _ weights: RecurrentWeights, _ resets: [UInt8] = []
    ) -> (output: Tensor, hidden: Tensor, cell: Tensor) {
        func last(_ x: Tensor) -> Tensor { x.detached.rows(x.shape[0] - Self.rows..<x.shape[0]) }
        if gates == 4 {
            let (output, cells) = lstm(x, hidden: hidden, cell: cell, weights: weights, resets: resets)
            return (output, last(output), last(cells))
        }
        let output = gru(x, hidden: hidden, weights: weights, resets: resets)
        return (output, last(output), cell)
    }

    private struct Gradients {
        let weights: [Tensor]
        let watched: RecurrentWeights

        init(_ values: [Tensor], _ tape: Tape) {
            weights = values.map { Tensor(zeros: $0.shape) }
            let tracked = zip(values, weights).map { tape.watch($0, accumulatingInto: $1) }
            watched = RecurrentWeights(input: tracked[0], hidden: tracked[1], inputBias: tracked[2], hiddenBias: tracked[3])
        }
    }

    private func weights(_ gates: Int, _ stream: inout RandomStream) -> [Tensor] {
        let width = gates * Self.size
        return [[width, Self.inputs], [width, Self.size], [width], [width]].map { random($0, &stream) }
    }

    /// All sequences start anew at step 3: the unroll equals one of three steps and one of four from zero states, bit for bit; gradients
    /// add up.
    @Test(arguments: [3, 4]) func resetEqualsTwoUnrolls(_ gates: Int) {
        var stream = stream(3)
        let values = weights(gates, &stream)
        let (first, second) = (random([3 * Self.rows, Self.inputs], &stream), random([4 * Self.rows, Self.inputs], &stream))
        let (hidden, cell) = (random([Self.rows, Self.size], &stream), random([Self.rows, Self.size], &stream))
        let zero = Tensor(zeros: [Self.rows, Self.size])
        let both = Tensor(first.values + second.values, [7 * Self.rows, Self.inputs])
        let resets = [UInt8](repeating: 0, count: 6) + [1, 200] + [UInt8](repeating: 0, count: 6)
        let coefficients = random([7 * Self.rows, Self.size], &stream)

        let whole = Tape()
        let wholeGradients = Gradients(values, whole)
        let together = run(gates, both, hidden, cell, wholeGradients.watched, resets)
        whole.backward(sum(together.output * coefficients))

        let parts = Tape()
        let partGradients = Gradients(values, parts)
        let one = run(gates, first, hidden, cell, partGradients.watched)
        let two = run(gates, second, zero, zero, partGradients.watched)
        parts.backward(sum(one.output * coefficients.rows(0..<6)) + sum(two.output * coefficients.rows(6..<14)))

        #expect(together.output.values == one.output.values + two.output.values)
        if gates == 4 { #expect(together.cell.values == two.cell.values) }
        for (a, b) in zip(wholeGradients.weights, partGradients.weights) { expectClose(a.values, b.values, within: 1e-6, "gradient") }
    }

    /// A reset of one sequence leaves the other alone, and nothing before it reaches what comes after.
    @Test(arguments: [3, 4]) func resetOfOneSequence(_ gates: Int) {
        var stream = stream(4)
        let values = weights(gates, &stream)
        let plain = RecurrentWeights(input: values[0], hidden: values[1], inputBias: values[2], hiddenBias: values[3])
        let x = random([4 * Self.rows, Self.inputs], &stream)
        let (hidden, cell) = (random([Self.rows, Self.size], &stream), random([Self.rows, Self.size], &stream))
        let without = run(gates, x, hidden, cell, plain)
        let with = run(gates, x, hidden, cell, plain, [0, 0, 0, 0, 0, 1, 0, 0])
        for step in 0..<4 {
            let first = step * Self.rows..<step * Self.rows + 1, second = step * Self.rows + 1..<step * Self.rows + 2
            #expect(with.output.rows(first).values == without.output.rows(first).values)
            #expect((with.output.rows(second).values == without.output.rows(second).values) == (step < 2))
        }

        let tape = Tape()
        let gradient = Tensor(zeros: hidden.shape)
        let watched = tape.watch(hidden, accumulatingInto: gradient)
        let late = run(gates, x, watched, cell, plain, [0, 0, 0, 0, 0, 1, 0, 0]).output.rows(4..<8)
        tape.backward(sum(late))
        #expect(gradient.rows(0..<1).values.allSatisfy { $0 != 0 })
        #expect(gradient.rows(1..<2).values.allSatisfy { $0 == 0 })
    }

    /// Threads share the sequences, and the columns of the products: nothing that is added up changes.
    @Test(arguments: [3, 4]) func threadsChangeNoBit(_ gates: Int) {
        defer { setBLASThreads(1) }
        let (steps, rows, size) = (6, 24, 80)
        var stream = stream(6)
        let values = [[gates * size, size], [gates * size, size], [gates * size], [gates * size]].map { random($0, &stream) * 0.2 }
        let x = random([steps * rows, size], &stream)
        let state = random([rows, size], &stream)
        for resets in [[], (0..<steps * rows).map { UInt8($0 % 29 == 0 ? 1 : 0) }] {
            let results = [1, 2].map { threads in
                setBLASThreads(threads)
                let tape = Tape()
                let gradients = Gradients(values, tape)
                let output = gates == 4
                    ? lstm(x, hidden: state, cell: state, weights: gradients.watched, resets: resets).output
                    : gru(x, hidden: state, weights: gradients.watched, resets: resets)
                tape.backward(mean(square(output)))
                return ([output] + gradients.weights).map(\.values)
            }
            #expect(results[0] == results[1])
        }
    }

    /// Steps taken one at a time, as actors do, give the unroll of all of them.
    @Test(arguments: [3, 4]) func stepByStep(_ gates: Int) {
        var stream = stream(5)
        let values = weights(gates, &stream)
        let plain = RecurrentWeights(input: values[0], hidden: values[1], inputBias: values[2], hiddenBias: values[3])
        let x = random([5 * Self.rows, Self.inputs], &stream)
        var (hidden, cell) = (random([Self.rows, Self.size], &stream), random([Self.rows, Self.size], &stream))
        let resets: [UInt8] = [1, 0, 0, 0, 0, 1, 0, 0, 1, 1]
        let whole = run(gates, x, hidden, cell, plain, resets)
        for step in 0..<5 {
            let rows = step * Self.rows..<(step + 1) * Self.rows
            let output: Tensor
            (output, hidden, cell) = run(gates, x.rows(rows), hidden, cell, plain, Array(resets[rows]))
            expectClose(output.values, whole.output.rows(rows).values, within: 1e-6, "step \(step)")
        }
        expectClose(hidden.values, whole.hidden.values, within: 1e-6, "hidden state")
        expectClose(cell.values, whole.cell.values, within: 1e-6, "cell")
    }
}
