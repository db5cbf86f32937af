import Tensors
import Testing

/// Each operation's gradient against Richardson-extrapolated central differences.
@Suite struct GradientTests {
    struct Operation: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let shapes: [[Int]]
        /// Inputs are drawn from this range.
        var range: ClosedRange<Double> = -1...1
        let function: @Sendable ([Tensor]) -> Tensor
        init(
            _ name: String, _ shapes: [[Int]], in range: ClosedRange<Double> = -1...1, _ function: @escaping @Sendable ([Tensor]) -> Tensor
        ) {
            (testDescription, self.shapes, self.range, self.function) = (name, shapes, range, function)
        }
    }

    static let matrix = [5, 7]
    static let operations: [Operation] = [
        Operation("a + b", [matrix, matrix]) { $0[0] + $0[1] },
        Operation("a - b", [matrix, matrix]) { $0[0] - $0[1] },
        Operation("a * b", [matrix, matrix]) { $0[0] * $0[1] },
        Operation("a / b", [matrix, matrix], in: 0.8...2) { $0[0] / $0[1] },
        Operation("a + a", [matrix]) { $0[0] + $0[0] },
        Operation("a - 2a, one node twice", [matrix]) { $0[0] - $0[0] * 2 },
        Operation("a * a", [matrix]) { $0[0] * $0[0] },
        Operation("x + 2", [matrix]) { $0[0] + 2 },
        Operation("2 - x", [matrix]) { 2 - $0[0] },
        Operation("x - 2", [matrix]) { $0[0] - 2 },
        Operation("3 * x", [matrix]) { 3 * $0[0] },
        Operation("x / 3", [matrix]) { $0[0] / 3 },
        Operation("3 / x", [matrix], in: 0.8...2) { 3 / $0[0] },
        Operation("-x", [matrix]) { -$0[0] },
        Operation("exp", [matrix]) { exp($0[0]) },
        Operation("log", [matrix], in: 0.5...2) { log($0[0]) },
        Operation("tanh", [matrix]) { tanh($0[0]) },
        Operation("relu, positive", [matrix], in: 0.1...1) { relu($0[0]) },
        Operation("relu, negative", [matrix], in: -1 ... -0.1) { relu($0[0]) },
        Operation("sigmoid", [matrix]) { sigmoid($0[0]) },
        Operation("square", [matrix]) { square($0[0]) },
        Operation("minimum", [matrix]) { minimum($0[0], 10 * $0[0] + 4) },
        Operation("maximum", [matrix], in: 0.2...0.3) { maximum($0[0], $0[0] * $0[0]) },
        Operation("clamp inside", [matrix]) { clamp($0[0], -2, 2) },
        Operation("clamp outside", [matrix]) { clamp($0[0], 2, 3) + clamp($0[0], -3, -2) },
        Operation("sum", [matrix]) { square(sum($0[0])) },
        Operation("mean", [matrix]) { square(mean($0[0])) },
        Operation("sumLastAxis", [matrix]) { square(sumLastAxis($0[0])) },
        Operation("matmul", [[4, 3], [3, 5]]) { matmul($0[0], $0[1]) },
        Operation("linear", [[5, 3], [4, 3], [4]]) { linear($0[0], weight: $0[1], bias: $0[2]) },
        Operation("linear tanh", [[21, 3], [4, 3], [4]]) { linear($0[0], weight: $0[1], bias: $0[2], activation: .tanh) },
        Operation("linear tanh, wide", [[3, 2], [19, 2], [19]]) { linear($0[0], weight: $0[1], bias: $0[2], activation: .tanh) },
        Operation("linear relu", [[5, 3], [4, 3], [4]], in: 0.1...1) { linear($0[0], weight: $0[1], bias: $0[2], activation: .relu) },
        Operation("logSoftmax, 2 columns", [[19, 2]]) { logSoftmax($0[0]) },
        Operation("logSoftmax, 7 columns", [matrix]) { logSoftmax($0[0]) },
        Operation("logSoftmax, 40 columns", [[3, 40]]) { logSoftmax($0[0]) },
        Operation("gelu", [matrix], in: -2...2) { gelu($0[0]) },
        Operation("silu", [matrix], in: -2...2) { silu($0[0]) },
        Operation("concatenate", [[5, 3], [5, 4]]) { square(concatenate($0[0], $0[1])) },
        Operation("columns", [matrix]) { square($0[0].columns(2..<5)) },
        Operation("overlapping columns", [matrix]) { $0[0].columns(0..<4) * $0[0].columns(2..<6) },
        Operation("addRow", [matrix, [7]]) { square(addRow($0[0], $0[1])) },
        Operation("multiplyRow", [matrix, [7]]) { multiplyRow($0[0], $0[1]) },
        Operation("layerNorm", [[3, 20], [20], [20]]) { layerNorm($0[0], weight: $0[1], bias: $0[2]) },
        Operation("rmsNorm", [[3, 20], [20]]) { rmsNorm($0[0], weight: $0[1]) },
        Operation("gaussianLogProb, one deviation", [[5, 3], [3], [5, 3]]) {
            gaussianLogProb(mean: $0[0], logDeviation: $0[1], action: $0[2])
        },
        Operation("gaussianLogProb, a deviation per row", [[5, 3], [5, 3], [5, 3]]) {
            gaussianLogProb(mean: $0[0], logDeviation: $0[1], action: $0[2])
        },
        Operation("squashLogSlope", [matrix], in: -2...2) { squashLogSlope($0[0]) },
        Operation("conv2d", [[2, 5, 6, 3], [4, 3, 3, 2], [4]]) { conv2d($0[0], weight: $0[1], bias: $0[2]) },
        Operation("conv2d tanh, stride 2, padding 1", [[2, 5, 5, 2], [17, 2, 3, 3], [17]], in: -0.3...0.3) {
            conv2d($0[0], weight: $0[1], bias: $0[2], stride: 2, padding: 1, activation: .tanh)
        },
        Operation("conv2d, channels first", [[2, 3, 5, 4], [2, 3, 2, 2], [2]]) {
            conv2d($0[0], weight: $0[1], bias: $0[2], stride: 2, layout: .channelsFirst)
        },
        Operation("conv2d relu", [[2, 4, 4, 2], [3, 2, 2, 2], [3]], in: 0.1...1) {
            conv2d($0[0], weight: $0[1], bias: $0[2], activation: .relu)
        },
        Operation("lstm", [[6, 3], [2, 4], [2, 4], [16, 3], [16, 4], [16], [16]]) {
            let weights = RecurrentWeights(input: $0[3], hidden: $0[4], inputBias: $0[5], hiddenBias: $0[6])
            return lstm($0[0], hidden: $0[1], cell: $0[2], weights: weights, resets: [0, 0, 1, 0, 0, 1]).output
        },
        Operation("gru", [[6, 3], [2, 4], [12, 3], [12, 4], [12], [12]]) {
            let weights = RecurrentWeights(input: $0[2], hidden: $0[3], inputBias: $0[4], hiddenBias: $0[5])
            return gru($0[0], hidden: $0[1], weights: weights, resets: [0, 0, 1, 0, 0, 1])
        },
        Operation("linear without a bias", [[5, 3], [4, 3]]) { linear($0[0], weight: $0[1]) },
        Operation("linear added to a sum", [[5, 3], [4, 3], [5, 4]]) { linear($0[0], weight: $0[1], addedTo: $0[2]) * $0[2] },
        Operation("swiglu", [[3, 38]], in: -2...2) { swiglu($0[0]) },
        Operation("lookup", [[4, 3]]) { square(lookup($0[0], [2, 0, 2, 3, 2])) },
        Operation("token log-probabilities", [[3, 5]]) { tokenLogProbabilities($0[0], [4, 0, 2]) },
        Operation("token log-probabilities, 20 columns, temperature", [[3, 20]]) {
            tokenLogProbabilities($0[0], [4, 19, 2], temperature: 0.7)
        },
        Operation("token log-probabilities of the most probable", [[3, 20]]) {
            tokenLogProbabilities($0[0], [4, 19, 2], temperature: 0.7, topP: 0.6)
        },
        Operation("rotary, 16 wide", [[3, 40]]) { rotary($0[0], heads: 2, positions: [0, 5, 2], table: rotaryTable(16)) },
        Operation("rotary, 6 wide", [[3, 20]]) { rotary($0[0], heads: 3, positions: [7, 5, 2], table: rotaryTable(6)) },
        Operation("attention", [[11, 36]]) {
            attention(
                $0[0], heads: AttentionHeads(queries: 3, keys: 3, width: 4), segments: [AttentionSegment(rows: 0..<9), AttentionSegment(rows: 9..<11)])
        },
        Operation("attention, grouped, a shared prefix", [[13, 32]], in: -0.5...0.5) {
            attention(
                $0[0], heads: AttentionHeads(queries: 4, keys: 2, width: 4),
                segments: [
                    AttentionSegment(rows: 0..<3), AttentionSegment(rows: 3..<4, prefix: 0..<3), AttentionSegment(rows: 4..<13, prefix: 0..<3),
                ])
        },
        Operation("gather", [matrix]) { gather($0[0], [6, 0, 3, 3, 1]) },
        Operation("entropy", [[18, 3]]) { entropy(logProbabilities: logSoftmax($0[0])) },
        Operation("entropy, 20 columns", [[3, 20]]) { entropy(logProbabilities: logSoftmax($0[0])) },
        Operation("reshaped", [matrix]) { square($0[0].reshaped([7, 5])) },
        Operation("rows", [matrix]) { square($0[0].rows(1..<4)) },
        Operation("overlapping rows", [matrix]) { $0[0].rows(0..<3) * $0[0].rows(2..<5) },
    ]

    @Test(arguments: operations) func equalsDifferences(_ operation: Operation) {
        var random = RandomKey(seed: 5, purpose: .learner).stream(slot: 0, episode: 0)
        let inputs = operation.shapes.map { shape in
            Tensor((0..<shape.reduce(1, *)).map { _ in Float(random.uniform(in: operation.range)) }, shape)
        }
        let output = operation.function(inputs)
        let weights = Tensor((0..<output.count).map { _ in Float(random.uniform(in: -1...1)) }, output.shape)

        let tape = Tape()
        let gradients = inputs.map { Tensor(zeros: $0.shape) }
        tape.backward(sum(operation.function(zip(inputs, gradients).map { tape.watch($0, accumulatingInto: $1) }) * weights))

        func loss() -> Double {
            zip(operation.function(inputs).values, weights.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        for (input, gradient) in zip(inputs, gradients) {
            for index in 0..<input.count {
                let start = input.values[index]
                func difference(_ step: Float) -> Double {
                    input.withMutableBuffer { $0[index] = start + step }
                    let above = loss()
                    input.withMutableBuffer { $0[index] = start - step }
                    let below = loss()
                    input.withMutableBuffer { $0[index] = start }
                    return (above - below) / (Double(start + step) - Double(start - step))
                }
                let expected = (4 * difference(0.02) - difference(0.04)) / 3
                let actual = Double(gradient.values[index])
                #expect(abs(actual - expected) <= 5e-4 * max(1, abs(expected)), "value \(index): \(actual), by differences \(expected)")
            }
        }
    }

    /// The gradient of f where several inputs are drawn, at one point.
    private func gradient(of values: [Float], _ function: (Tensor) -> Tensor) -> [Float] {
        let tape = Tape()
        let gradient = Tensor(zeros: [values.count])
        tape.backward(sum(function(tape.watch(Tensor(values, [values.count]), accumulatingInto: gradient))))
        return gradient.values
    }

    @Test func conventionsAtTheEdges() {
        #expect(gradient(of: [-1, 0, 1]) { relu($0) } == [0, 0, 1])
        #expect(gradient(of: [-2, -1, 0, 1, 2]) { clamp($0, -1, 1) } == [0, 1, 1, 1, 0])
        let other = Tensor([1, 1, 1], [3])
        #expect(gradient(of: [0, 1, 2]) { minimum($0, other) } == [1, 0.5, 0])
        #expect(gradient(of: [0, 1, 2]) { maximum(other, $0) } == [0, 0.5, 1])
        #expect(gradient(of: [-.infinity, 0]) { entropy(logProbabilities: $0.reshaped([1, 2])) } == [0, -1])
    }

    @Test func minimumAndClampKeepNaN() {
        let nan = Tensor([.nan, 1], [2])
        let one = Tensor([1, .nan], [2])
        #expect(minimum(nan, one).values.allSatisfy { $0.isNaN })
        #expect(maximum(nan, one).values.allSatisfy { $0.isNaN })
        #expect(clamp(nan, 0, 1).values[0].isNaN)
        #expect(relu(nan).values[0].isNaN)
    }
}

private func rotaryTable(_ width: Int) -> RotaryTable { RotaryTable(positions: 8, width: width, base: 100) }
